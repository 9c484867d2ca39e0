# make run, make test and make check need Python 3.11 or newer with venv and pip; everything else is installed in .venv.
# Another interpreter (make test PYTHON=python3.13) gets an environment of its own: .venv-3.13.
.DEFAULT_GOAL := help
DEFAULT_PYTHON = $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
PYTHON ?= $(DEFAULT_PYTHON)
version = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
ifneq ($(origin PYTHON),file)
other := $(filter-out $(call version,$(DEFAULT_PYTHON)),$(call version,$(PYTHON)))
endif
VENV ?= .venv$(if $(other),-$(other))
BIN := $(VENV)/bin
PYTEST_WORKERS ?= 4
DRILLS := tests/durability tests/end_to_end/test_douyin_many_messages.py
CHAOS ?=
SMOKE := tests/statecharts tests/cases tests/workflows/replay tests/aftersales/simulation/test_simulate_command.py

.PHONY: help run test drill smoke lint types check docs edition fingerprint replay bench screenshots constraints clean

help: ## show this help
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is missing: install it, or say where it is: make PYTHON=/path/to/python3"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module: install it (Debian and Ubuntu: apt-get install python3-venv)"; exit 2; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "installing into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[embedded]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "installing into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.run

run: $(VENV)/.run ## start everything with sample cases, until Ctrl-C
	@$(BIN)/aftersales up --samples examples/cases

test: $(VENV)/.dev ## install what is needed and run all tests but the drills
	@$(BIN)/pytest -n $(PYTEST_WORKERS) --dist worksteal $(DRILLS:%=--ignore %)

drill: $(VENV)/.dev ## run the drills: programs that are killed, hang or are of two releases; try to lose one of 1,000 cases (CHAOS=--help)
	@$(BIN)/pytest -n $(PYTEST_WORKERS) --dist worksteal $(DRILLS)
	@$(BIN)/python -m drills.chaos $(CHAOS)

smoke: $(VENV)/.dev ## run a short subset: charts, cases, replay, simulate
	@$(BIN)/pytest -q -n $(PYTEST_WORKERS) $(SMOKE)

replay: $(VENV)/.dev ## replay the histories of a folder, such as production's open cases, with this code (FROM=DIR)
	@test -n "$(FROM)" || { echo "say which: make replay FROM=DIR, a folder written by: aftersales replay --open --save DIR"; exit 2; }
	@$(BIN)/aftersales replay --from $(FROM)

lint: $(VENV)/.dev ## ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.dev ## mypy
	@$(BIN)/mypy

check: lint types test drill ## lint, types, tests and drills

docs: $(VENV)/.dev ## write the documents that are generated from the code
	@$(BIN)/aftersales rulebook --write docs/rulebook
	@$(BIN)/python -m aftersales.cli.reference docs
	@$(BIN)/python -m aftersales.authoring.process_lists README.md README.zh-CN.md docs/operators.md docs/operations.md docs/rules.md

edition: $(VENV)/.dev ## write the edition of the figures with which cases are opened from today
	@$(BIN)/python -m aftersales.authoring.edition cases/editions

fingerprint: $(VENV)/.dev ## record what open cases depend on (ACCEPT=yes: also what has changed in it)
	@$(BIN)/python -m aftersales.authoring.fingerprint tests/fingerprints $(ACCEPT)

bench: $(VENV)/.dev ## measure what a case costs beside workflows written by hand (BENCH=--quick: one short round)
	@$(BIN)/python -m benchmarks.cases $(BENCH)

screenshots: $(VENV)/.dev ## make the pictures of the documents; needs chromium, fonts-noto-cjk and fonts-noto-color-emoji
	@$(BIN)/python -m tests.support.browser.screenshots docs/images

constraints: $(VENV)/.dev ## renew the pinned versions
	@{ echo "# Exact versions of everything that is installed; renewed by: make constraints"; \
		$(BIN)/pip freeze --all --exclude pip --exclude-editable; } > constraints.txt

clean: ## remove what was installed and what runs have left
	@rm -rf .venv .venv-* $(VENV) .aftersales build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
