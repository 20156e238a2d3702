# Everything a developer or CI does, by name. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Changes whenever what is installed has to.
INSTALLED := $(VENV)/.installed
SOURCES := contracts services deploy tests
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup run test test-unit bench check format lint types imports contracts fix lock clean
# A recipe that fails half way leaves no file that looks finished.
.DELETE_ON_ERROR:

help:  ## Show what can be made
	@grep -hE '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) \
		| awk -F ':.*  ## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(INSTALLED)  ## Create .venv and install exactly what the lock file names

$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: setup  ## Start the whole stack with a sample company; Ctrl-C stops it
	@exec $(BIN)/cairn up

test: setup  ## Run all tests against a real PostgreSQL and a real NATS
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test-unit: setup  ## Run the tests that need no server
	$(BIN)/python -m pytest tests/unit

bench: setup  ## Measure speed as ratios to plain solutions, in one run
	$(BIN)/python -m tests.bench

check: setup format lint types imports contracts test  ## Everything that CI runs

format: setup  ## Refuse code that is not formatted (`make fix` formats it)
	$(BIN)/ruff format --check $(SOURCES)

lint: setup  ## Look for mistakes and for what breaks the style
	$(BIN)/ruff check $(SOURCES)

types: setup  ## Check the types
	$(BIN)/mypy

imports: setup  ## Check that imports only run the way the architecture says
	$(BIN)/lint-imports

contracts: setup  ## Check that the committed contracts are those that the code has
	$(BIN)/python -m contracts.generate --check
	$(BIN)/python -m deploy.openapi --check

fix: setup  ## Format the code and mend what the linter can
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

COMPILE := uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header \
	--python-version 3.11 pyproject.toml

lock:  ## Resolve the dependencies anew (needs uv)
	$(COMPILE) --extra dev -o requirements.lock
	for service in goals metrics projections; do \
		$(COMPILE) --extra $$service --constraint requirements.lock \
			-o deploy/requirements/$$service.lock || exit 1; \
	done

clean:  ## Remove what was built or cached, but not the stack's data
	rm -rf $(VENV) build dist *.egg-info .coverage* .hypothesis .mypy_cache .pytest_cache \
		.ruff_cache .import_linter_cache
