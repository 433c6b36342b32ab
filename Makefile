# The two commands: make repro (corpus to figures) and make test (lint, types, tests). Both set themselves up.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
VENV := .venv
INSTALL := pip install --quiet --disable-pip-version-check --constraint constraints.txt
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: repro test test-slow lint lakh

repro: $(VENV)/stages
	dvc repro

test: lint
	pytest

test-slow: lint
	pytest -m "slow or not slow"

lint: $(VENV)/tests
	ruff check .
	ruff format --check .
	mypy

lakh: $(VENV)/stages
	python -m pipelines.lakh data/lakh

$(VENV)/stages: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[stages]'
# Alone: it wants pyaudio, for loudspeakers, which is built against PortAudio. Without it music is MIDI alone.
	-$(INSTALL) --no-deps --only-binary tinysoundfont tinysoundfont
	touch $@

$(VENV)/tests: $(VENV)/stages
	$(INSTALL) --editable '.[stages,dev,gcp]'
	touch $@
