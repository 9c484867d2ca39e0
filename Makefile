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
PYTEST_WORKERS ?= 6
DRILL_WORKERS ?= 4
DRILLS := tests/durability tests/end_to_end/test_douyin_many_messages.py
FUZZ_VENV ?= .venv-fuzz
MINUTES ?= 10
SOURCES := statecharts cases workflows activities aftersales benchmarks worker.py
CHAOS ?=
SABOTAGE ?=
SMOKE := tests/statecharts tests/cases tests/workflows/replay tests/aftersales/simulation/test_simulate_command.py

.PHONY: help run test durability drill sabotage smoke lint types bandit check audit site docs edition fingerprint replay manifests bench model fuzz screenshots constraints clean bench-decisions bench-report

help: ## show this help
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is missing: install it, or say where it is: make PYTHON=/path/to/python3"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module: install it (Debian and Ubuntu: apt-get install python3-venv)"; exit 2; }
	@$(PYTHON) -m venv $(VENV)

# A stamp for each set of extras that is installed; a set that includes others is theirs, too.
OF_run := embedded
OF_dev := dev
OF_site := site
OF_audit := audit
OF_bench := dev,bench
INCLUDES_dev := run
INCLUDES_bench := dev run
STAMPS := $(addprefix $(VENV)/.,run dev site audit bench)

$(STAMPS): $(VENV)/.%: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "installing into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(OF_$*)]'
	@touch $@ $(INCLUDES_$*:%=$(VENV)/.%)

run: $(VENV)/.run ## start everything with sample cases, until Ctrl-C
	@$(BIN)/aftersales up --samples examples/cases

test: $(VENV)/.dev ## install what is needed and run all tests but the drills
	@$(BIN)/pytest -n $(PYTEST_WORKERS) --dist worksteal $(DRILLS:%=--ignore %)

durability: $(VENV)/.dev ## run the drills that are tests: programs that are killed, hang, fail over, or are of two releases
	@$(BIN)/pytest -n $(DRILL_WORKERS) --dist worksteal $(DRILLS)

drill: durability ## run all drills: at last try to lose one of 1,000 cases (CHAOS=--help)
	@$(BIN)/python -m drills.chaos $(CHAOS)

sabotage: $(VENV)/.dev ## prove that the drill fails without each of its safeguards (SABOTAGE='--only NAME')
	@$(BIN)/python -m drills.sabotage $(SABOTAGE)

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

bandit: $(VENV)/.dev ## look for insecure code
	@$(BIN)/bandit --quiet --recursive --configfile pyproject.toml $(SOURCES)

check: lint types bandit test durability ## lint, types, insecure code, tests and drills

audit: $(VENV)/.audit ## ask whether a pinned version has a known weakness; needs the network
	@$(BIN)/pip-audit --strict --disable-pip --no-deps --progress-spinner off --requirement constraints.txt || \
		{ echo "make audit: a weakness above, or the advisories cannot be reached from here"; exit 1; }

site: $(VENV)/.site ## build the documents as a site, in site/, and check every link
	@rm -rf site
	@$(BIN)/zensical build --clean --strict || { echo "make site: see the warnings above"; exit 1; }
	@$(BIN)/zensical build --clean --strict --config-file zensical.zh.toml || { echo "make site: see the warnings above"; exit 1; }
	@$(BIN)/python -m tests.support.pages.built_site site
	@echo "open site/index.html, or serve the folder: $(BIN)/python -m http.server --directory site"

docs: $(VENV)/.dev ## write the documents that are generated from the code
	@$(BIN)/aftersales rulebook --write docs/rulebook
	@$(BIN)/python -m aftersales.cli.reference docs
	@$(BIN)/python -m aftersales.authoring.process_lists README.md README.zh-CN.md docs/index.md docs/operators.md docs/operations.md docs/rules.md

edition: $(VENV)/.dev ## write the next edition, with which cases are opened from then on, if a figure has changed (NEW=yes: in any case)
	@$(BIN)/python -m aftersales.authoring.edition cases/editions $(NEW)

fingerprint: $(VENV)/.dev ## record what open cases depend on (ACCEPT=yes: also what has changed in it)
	@$(BIN)/python -m aftersales.authoring.fingerprint tests/fingerprints $(ACCEPT)

manifests: $(VENV)-deploy/.done ## render the Helm chart's examples, and check deploy/ by schemas and linters
	@$(VENV)-deploy/bin/python deploy/manifests.py

$(VENV)-deploy/.done: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "installing into $(VENV)-deploy (300 MB) ..."
	@$(PYTHON) -m venv $(VENV)-deploy
	@$(VENV)-deploy/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["deploy"], sep="\n")' \
		| $(VENV)-deploy/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -r /dev/stdin
	@touch $@

model: $(VENV)/.dev ## follow all that can happen to a case to a depth (MODEL='--process NAME --depth N')
	@$(BIN)/python -m proofs.model_check $(MODEL)

# In an environment of its own: schemathesis is also a plugin of pytest, which the tests must not see.
$(FUZZ_VENV)/.fuzz: pyproject.toml constraints.txt | $(BIN)/pip
	@test -n "$(wildcard $(FUZZ_VENV)/bin/pip)" || $(PYTHON) -m venv $(FUZZ_VENV)
	@echo "installing into $(FUZZ_VENV) ..."
	@$(FUZZ_VENV)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fuzz]'
	@touch $@

fuzz: $(FUZZ_VENV)/.fuzz ## fuzz every way into the product (MINUTES=10; FUZZ='--target NAME')
	@PATH="$(abspath $(FUZZ_VENV))/bin:$$PATH" $(FUZZ_VENV)/bin/python -m proofs.fuzz --minutes $(MINUTES) $(FUZZ)

bench: $(VENV)/.bench ## measure what a case costs beside workflows written by hand and beside peers (BENCH=--quick: a short round)
	@$(BIN)/python -m benchmarks.cases $(BENCH)

bench-decisions: $(VENV)/.bench ## measure decisions beside up to 20,000 open cases (BENCH=--quick: few cases)
	@$(BIN)/python -m benchmarks.decisions $(BENCH)

bench-report: $(VENV)/.bench ## write the newest results into docs/benchmarks.md, with plots
	@$(BIN)/python -m benchmarks.report

screenshots: $(VENV)/.dev ## make the pictures of the documents; needs chromium, fonts-noto-cjk and fonts-noto-color-emoji
	@$(BIN)/python -m tests.support.browser.screenshots docs/images

constraints: $(VENV)/.dev $(VENV)/.bench $(VENV)/.site $(VENV)/.audit $(FUZZ_VENV)/.fuzz ## renew the pinned versions
	@{ echo "# Exact versions of everything that is installed; renewed by: make constraints"; \
		for env in $(VENV) $(FUZZ_VENV); do $$env/bin/pip freeze --all --exclude pip --exclude-editable; done | sort -fu; } > constraints.txt

clean: ## remove what was installed and what runs have left
	@rm -rf .venv .venv-* $(VENV) $(FUZZ_VENV) .aftersales build site .cache *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
