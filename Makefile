# make demo    the main job on the embedded default, from a clean clone
# make demo-flywheel   three turns after deployment, in a simulated world
# make test    everything CI runs
# make check   formatting, types, import floors
# make fix     repair formatting
# make bench   benchmarks, JSON in benchmarks/results/
# make docs    regenerate the CLI reference
# make test-ray            what needs Ray, which takes half a minute and half a gigabyte to start
# make test-label-studio   the round trip through a real Label Studio, in an environment of its own
# make record-label-studio record the exports the tests read anew

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LABEL_STUDIO := .label-studio

.PHONY: demo demo-flywheel test test-ray test-label-studio record-label-studio check fix bench docs clean

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

test-ray: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev,ray]"
	$(BIN)/python -m pytest -q -k ray tests/engines tests/main_job/test_shard_scores.py tests/cli/test_attribute.py

$(LABEL_STUDIO)/bin/label-studio:
	$(PYTHON) -m venv $(LABEL_STUDIO)
	$(LABEL_STUDIO)/bin/python -m pip install --quiet --disable-pip-version-check label-studio==1.23.2

test-label-studio: $(VENV)/.dev $(LABEL_STUDIO)/bin/label-studio
	YORI_LABEL_STUDIO=$(CURDIR)/$(LABEL_STUDIO)/bin/label-studio $(BIN)/python -m pytest -q tests/flywheel/test_label_studio_live.py

record-label-studio: $(VENV)/.dev $(LABEL_STUDIO)/bin/label-studio
	YORI_LABEL_STUDIO=$(CURDIR)/$(LABEL_STUDIO)/bin/label-studio $(BIN)/python -m tests.flywheel.recorded.record

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

docs: $(VENV)/.dev
	$(BIN)/python -m docs.cli_reference

clean:
	rm -rf $(VENV) demo demo-flywheel
