# The two commands: make repro (corpus to figures) and make test (lint, types, tests). Both set themselves up, which is
# all that make install does.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
VENV := .venv
INSTALL := pip install --quiet --disable-pip-version-check --constraint constraints.txt
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: install studio repro test test-slow lint experiments lakh offline-plots vendor studio-picture

install: $(VENV)/stages

# The page on which songs are heard and changed.
studio: $(VENV)/stages
	musae studio

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

# Makes the synthesiser of the page again: what it is made of, bundled into two files. Needs npm.
SYNTHESISER := spessasynth_lib@4.3.14 spessasynth_core@4.3.22 stb-vorbis@0.0.6 esbuild@0.28.2
VENDOR := $(CURDIR)/studio/page/vendor
vendor:
	mkdir -p .dvc/tmp/vendor
	npm install --silent --no-save --no-package-lock --prefix .dvc/tmp/vendor $(SYNTHESISER)
	cd .dvc/tmp/vendor && echo 'export { Sequencer, WorkletSynthesizer } from "spessasynth_lib";' > page.js \
		&& node_modules/.bin/esbuild page.js --bundle --minify --format=esm --outfile=$(VENDOR)/spessasynth.js \
		&& node_modules/.bin/esbuild node_modules/spessasynth_lib/dist/spessasynth_processor.min.js --minify \
			--outfile=$(VENDOR)/spessasynth_processor.js \
		&& cp node_modules/spessasynth_lib/LICENSE $(VENDOR)/LICENSE
	cd $(VENDOR) && sha256sum LICENSE *.js > SHA256SUMS

# Draws the README's picture of the page, and says how fast it is. Needs Chromium.
studio-picture: $(VENV)/tests
	python -m benchmarks.studio --picture docs/studio.png

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
