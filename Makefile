# make demo    the main job on the embedded default, from a clean clone
# make demo-flywheel   three turns after deployment, in a simulated world
# make test    everything CI runs
# make check   formatting, types, import floors
# make fix     repair formatting
# make bench   benchmarks, JSON in benchmarks/results/
# make docs    regenerate the CLI reference

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo demo-flywheel test check fix bench docs clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.serve: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[serve]"
	touch $@ $(VENV)/.core

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@ $(VENV)/.core $(VENV)/.serve

demo: $(VENV)/.core
	$(BIN)/yori demo demo

demo-flywheel: $(VENV)/.serve
	$(BIN)/yori demo-flywheel demo-flywheel

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: check
	$(BIN)/python -m pytest -n auto --dist loadfile

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

docs: $(VENV)/.dev
	$(BIN)/python -m docs.cli_reference

clean:
	rm -rf $(VENV) demo demo-flywheel
