# The two commands: make repro (corpus to figures) and make test (lint, types, tests). Both set themselves up, which is
# all that make install does.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
VENV := .venv
INSTALL := pip install --quiet --disable-pip-version-check --constraint constraints.txt
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: install repro test test-slow lint experiments lakh offline-plots

install: $(VENV)/stages

repro: $(VENV)/stages
	python -m stages.check_corpus --out data/checked/corpus
	dvc repro

test: lint
	pytest

test-slow: lint
	pytest -m "slow or not slow"

lint: $(VENV)/tests
	ruff check .
	ruff format --check .
	mypy

# Every experiment with its metrics and with the parameters that differ, without the hashes of what stages read.
experiments: $(VENV)/stages
	dvc exp show --only-changed --drop 'Created|.*/|music|model'

lakh: $(VENV)/stages
	python -m stages.lakh data/lakh

# Puts Vega into the page of dvc plots show, which otherwise loads these versions from the network. Needs npm.
VEGA := vega@5.20.2 vega-lite@5.2.0 vega-embed@6.18.2
offline-plots: $(VENV)/stages
	mkdir -p .dvc/tmp
	cd .dvc/tmp && archives=$$(npm pack --silent $(VEGA)) && { \
		echo '<!doctype html><meta charset="utf-8"><title>DVC plots</title>'; \
		for archive in $$archives; do \
			echo '<script>'; tar -xzOf $$archive package/build/$${archive%-*}.min.js; echo '</script>'; rm $$archive; \
		done; \
		echo '{plot_divs}'; \
	} > plots.html
	dvc config --local plots.html_template tmp/plots.html

$(VENV)/stages: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[stages]'
# Without its dependency pyaudio, which plays through loudspeakers and has to be built against PortAudio. If this fails,
# the analysis leaves its music as MIDI only.
	-$(INSTALL) --no-deps --only-binary tinysoundfont tinysoundfont
	touch $@

$(VENV)/tests: $(VENV)/stages
	$(INSTALL) --editable '.[stages,dev,gcp]'
	touch $@
