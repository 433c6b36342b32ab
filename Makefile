# The two commands: make repro (corpus to figures) and make test (lint, types, tests). Both set themselves up.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: repro test test-slow lint lakh

repro: $(VENV)/installed
	dvc repro

test: lint
	pytest

test-slow: lint
	pytest -m "slow or not slow"

lint: $(VENV)/installed
	ruff check .
	ruff format --check .
	mypy

lakh: $(VENV)/installed
	python -m pipelines.lakh data/lakh

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[stages,dev]'
	touch $@
