# Everything a newcomer types. `make` alone lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LIBRARIES := $(VENV)/.stamp-libraries
PINNED := $(VENV)/.stamp-pinned
INSTALLED := $(VENV)/.stamp-installed
BROWSER := $(VENV)/.stamp-browser
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --allow-unsafe

.DEFAULT_GOAL := help
.PHONY: help setup check test demo bench pictures lock

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: $(INSTALLED) $(LIBRARIES) ## build what the program needs, in .venv
	@$(BIN)/python -m compileall -q surveyapp

check: setup ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/python -m pytest -q tests/test_architecture.py

# Every commit of a test waits for the disk; memory that serves as one spares most of the time.
MEMORY := $(shell df -P -k /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 {print "/dev/shm"}')

test: setup $(BROWSER) ## every test
	TMPDIR=$(or $(MEMORY),$${TMPDIR:-/tmp}) $(BIN)/python -m pytest -q -n 3 --dist loadfile \
		--no-loadscope-reorder

demo: setup ## a living study at http://127.0.0.1:8000 (PORT=... moves it)
	@exec $(BIN)/surveyapp demo --port $${PORT:-8000}

bench: setup $(BROWSER) ## what it costs, in figures
	@exec $(BIN)/python -m bench

pictures: setup $(BROWSER) ## every page as a picture, in build/pictures
	@$(BIN)/python -m tests.pictures
	@$(BIN)/python -m tests.pictures_staff

lock: setup ## pin the newest versions that pyproject.toml allows
	$(COMPILE) --upgrade --extra demo --output-file requirements.txt pyproject.toml
	$(COMPILE) --upgrade --extra dev --output-file requirements-dev.txt pyproject.toml

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with make PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python's venv is needed (Debian: python3-venv)" >&2; exit 2; }

$(PINNED): requirements-dev.txt | $(BIN)/python
	@echo "Installing the pinned libraries; the first time this takes a minute or two." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements-dev.txt >&2
	@touch $@

$(INSTALLED): pyproject.toml $(PINNED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --editable . >&2
	@touch $@

$(LIBRARIES): .ci/system-packages | $(BIN)/python
	@.ci/system-packages libraries >&2
	@touch $@

$(BROWSER): .ci/system-packages | $(BIN)/python
	@.ci/system-packages browser >&2
	@touch $@
