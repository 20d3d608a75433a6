# The whole life of a checkout. Needs Python 3.11 or newer, make and git; everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := @$(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --durations=20
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs
LOCK := $(BIN)/uv pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

# Stamps: a target that finds them newer than what they are made from downloads and installs nothing.
LOCKED := $(VENV)/.locked
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo check test test-slow test-all format compile schema docs docs-serve lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## create .venv with the locked dependencies and this checkout

$(LOCKED): requirements/build.txt requirements/dev.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { \
		echo "$(PYTHON) is no Python 3.11 or newer; name one that is: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "installing the locked dependencies into $(VENV), once: some two minutes"
	@$(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --require-hashes --requirement requirements/build.txt
	$(PIP) install --require-hashes --no-build-isolation --use-pep517 --requirement requirements/dev.txt
	@$(BIN)/python -c "import lightgbm" || { \
		echo "LightGBM needs the OpenMP runtime: apt-get install libgomp1 (Debian, Ubuntu)"; exit 1; }
	@touch $@

$(INSTALLED): $(LOCKED) pyproject.toml setup.py
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## run the pipeline on real data: model, program and report in runs/demo
	$(BIN)/mlestar run specs/breast-cancer.yaml --out runs/demo

check: setup ## format, lint, types, layers, dependencies, freshness of generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/mlestar schema --check
	$(BIN)/mlestar compile --check

test: setup ## the fast tests
	$(PYTEST) -m "not slow"

test-slow: setup ## the tests that test leaves out: the built wheel, whole runs
	$(PYTEST) -m slow

test-all: test test-slow ## all tests

format: setup ## format the code and mend what the linter can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

compile: setup ## compile components and pipelines to YAML
	$(BIN)/mlestar compile

schema: setup ## generate specs/scope.schema.json from the models of the spec
	$(BIN)/mlestar schema

docs: setup ## build the documentation into site/
	$(MKDOCS) build --strict

docs-serve: setup ## show the documentation at localhost:8000, and again after every change
	$(MKDOCS) serve

lock: setup ## pin requirements/*.txt from pyproject.toml; UPGRADE=1 takes the newest versions
	$(LOCK) pyproject.toml --extra s3 --extra gcs --extra xgboost --output-file requirements/main.txt
	$(LOCK) pyproject.toml --extra dev --extra xgboost --constraint requirements/main.txt --output-file requirements/dev.txt
	$(LOCK) --group build --constraint requirements/dev.txt --output-file requirements/build.txt

clean: ## remove the environment, builds and caches; runs/ stays
	rm -rf $(VENV) build dist site *.egg-info .*_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
