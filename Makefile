# make demo: set up and run the default experiment. make test: set up and run the tests.
VENV := .venv
PYTHON ?= python3
CORES ?= $(shell nproc)
BIN := $(VENV)/bin
STEPS := workflow_scripts tests benchmarks examples
SNAKEFILES := Snakefile rules

.PHONY: demo test lint setup clean

demo: setup
	$(BIN)/snakemake --cores $(CORES)
	@echo "Open results/report.html; tables are in results/tables, figures in results/figures."

test: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check $(STEPS)
	$(BIN)/ruff format --check $(STEPS)
	$(BIN)/snakefmt --check $(SNAKEFILES)
	$(BIN)/snakemake --lint

setup: $(VENV)/ready

$(VENV)/ready: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

clean:
	rm -rf results logs
