# Set-up, the default run, tests and checks. `make` alone lists the commands.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
VENV := .venv
PYTHON ?= python3
CORES ?= $(shell nproc)
# Each process of the tests imports for ten seconds what they need.
WORKERS ?= $(CORES)
RESULTS ?= results
REQUIREMENTS ?= requirements.lock
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off
CODE := workflow_scripts tests benchmarks examples
SNAKEFILES := Snakefile rules

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-slow lint docs keep evidence lock status verify repair outdated workflow-report setup clean

help:  ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

demo: setup  ## set up and run the default experiment (minutes on two cores)
	$(BIN)/snakemake --cores $(CORES)

test: setup  ## set up and run all tests (some four minutes on two cores)
	$(BIN)/python -m pytest -n $(WORKERS)

test-fast: setup  ## all tests but those that run the workflow (about a minute)
	$(BIN)/python -m pytest -n $(WORKERS) -m "not workflow and not cluster and not slow"

test-slow: setup  ## kills, two hundred jobs, and a Slurm cluster where it is installed (ten minutes)
	$(BIN)/python -m pytest -n 0 -rs -m "slow or cluster"

lint: setup  ## check style and types
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/snakefmt --check $(SNAKEFILES)
	$(BIN)/snakemake --lint

docs: setup  ## write docs/configuration.md and the schema anew, from the code
	$(BIN)/python -m fal.documentation

keep: setup  ## keep a finished run's tables in docs/data/NAME: make keep RESULTS=results NAME=digits
	@$(BIN)/python -m fal.reporting.evidence keep $(RESULTS) "$(NAME)"

evidence: setup  ## make the tables and figures of docs/reproduction.md, and the pages in docs/data, anew
	$(BIN)/python -m fal.reporting.evidence

status: setup  ## how far a run is, from its folder: make status RESULTS=results
	@$(BIN)/python -m fal.reporting.status $(RESULTS)

verify: setup  ## whether a results folder holds what its jobs wrote: make verify RESULTS=results
	@$(BIN)/python -m fal.verify $(RESULTS)

repair: setup  ## the same, and remove what is damaged, so that it is made anew
	@$(BIN)/python -m fal.verify --remove $(RESULTS)

outdated: setup  ## which results were computed by code that has changed since
	@$(BIN)/python -m fal.reporting.versions $(RESULTS)

workflow-report: setup  ## Snakemake's own report, with the graph of all jobs
	$(BIN)/snakemake --report $(RESULTS)/workflow-report.html $(if $(CONFIG),--configfile $(CONFIG))

setup: $(VENV)/ready  ## set up .venv and nothing else

$(VENV)/ready: $(REQUIREMENTS) pyproject.toml
	@echo "Setting up $(VENV): PyTorch and what else is needed, some 3 GB to download, 6 GB on disk. Large packages:"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -r $(REQUIREMENTS) 2>&1 | $(LARGE_PACKAGES)
	@$(PIP) --quiet --no-deps --editable . 2>&1 | $(LARGE_PACKAGES)
	@touch $@
	@echo "$(VENV) is ready."

# Of what pip says: the large packages while they are fetched, that it installs, and its errors.
LARGE_PACKAGES := awk '/^ERROR|error:/ { print; fflush() } \
	/^Installing collected packages/ { print "  installing them"; fflush() } \
	/^ *(Downloading|Using cached|Processing) .*(torch|nvidia|triton|scipy|pyarrow|pandas-|matplotlib-)/ { \
	size = match($$0, /\([0-9.]+ [kMG]B\)/) ? "  " substr($$0, RSTART, RLENGTH) : ""; \
	name = $$2; sub(/.*\//, "", name); sub(/-(cp|py)[0-9].*/, "", name); print "  " name size; fflush() }'

lock:  ## pin all packages, indirect ones too, as a fresh set-up of requirements.txt gives them
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	{ echo "# Written by 'make lock' from requirements.txt: all packages, on Linux x86-64."; \
	  $(VENV)-lock/bin/python -m pip freeze --disable-pip-version-check | sed 's/^torch==/torch===/'; } > requirements.lock
	rm -rf $(VENV)-lock

clean:  ## remove the results folder: make clean RESULTS=results
	@if [ -d "$(RESULTS)" ]; then du -sh "$(RESULTS)" | sed 's/^/Removing /'; rm -rf "$(RESULTS)"; \
	else echo "There is no folder $(RESULTS)."; fi
