# `make demo` and `make test` are all a newcomer needs; both set up what they use and are quick the second time.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SCREENS := src/sewu/show/screens/index.html
TEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo screens test lint types unit docs bench evaluate clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Sewu needs Python 3.11 or newer. Install it, or say: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up Python in $(VENV) (a minute or two the first time) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Python cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

setup: $(READY) ## make the Python environment

$(SCREENS): $(READY) $(shell find web -type f -not -path '*/node_modules/*' -not -name schema.ts 2>/dev/null)
	@bash tools/screens.sh $(BIN)
	@touch $@

screens: $(SCREENS) ## build the screens into the package

demo: $(READY) $(SCREENS) ## a city that lives; with your own camera or clip: make demo SOURCE=rtsp://... or SOURCE=clip.mp4
	@$(BIN)/sewu demo $(if $(SOURCE),--source '$(SOURCE)')

lint: $(READY) ## style, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-cache

types: $(READY) ## mypy strict
	@$(BIN)/mypy

docs: $(READY) ## build the documentation, strict links
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir $(VENV)/site

unit: $(READY) ## tests alone; TEST_ARGS="-k name"
	@$(BIN)/pytest -n 2 $(TEST_ARGS)

test: $(READY) ## lint, types, docs, all tests
	@bash tools/debian.sh
	@bash tools/screens.sh $(BIN) --check
	@$(MAKE) --no-print-directory lint types docs
	@$(MAKE) --no-print-directory unit

bench: $(READY) ## what it costs on this machine
	@$(BIN)/sewu bench ingest --stream sub
	@$(BIN)/sewu bench ingest --stream main --cameras 40
	@$(BIN)/sewu bench serve

evaluate: $(READY) ## measured error on labelled footage: make evaluate DATA=folder
	@$(BIN)/sewu evaluate $(if $(DATA),--data '$(DATA)')

clean: ## remove what was made
	@rm -rf $(VENV) dist site sewu-out sewu-watch src/sewu/show/screens web/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
