# What a person does with a checkout. Needs python3 (3.11 or newer) and make, nothing else; works as root and as anyone.

SUITABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	"$$name" -c '$(SUITABLE)' 2>/dev/null && echo "$$name" && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CATALOGUES := $(wildcard hcrm/translations/*/LC_MESSAGES/*.po)
TEST_PROCESSES ?= 2
TESTS ?= tests
SOAK_DAYS ?= 365
SOAK_PER_DAY ?= 300

.PHONY: help setup demo clean-demo test check format bench soak crash-test screenshots translations lock

help: ## Show what can be made.
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 14

setup: .make/base $(CATALOGUES:.po=.mo) ## Make the environment in .venv; .venv/bin/hcrm works after it.

# The demonstration has a folder of its own, so that it never meets a hospital's real database.
demo clean-demo: export HCRM_DEMO = 1
demo clean-demo: export HCRM_LOG_LEVEL := $(or $(HCRM_LOG_LEVEL),WARNING)
demo clean-demo: export HCRM_INSTANCE_DIR := $(or $(HCRM_INSTANCE_DIR),$(CURDIR)/instance/demo)
demo clean-demo: export HCRM_LOG_FORMAT := $(or $(HCRM_LOG_FORMAT),text)

demo: setup ## Run the program with a made-up hospital on http://127.0.0.1:8000.
	@$(BIN)/hcrm demo

soak: setup ## A simulated year of 300 discharges a day with every invariant checked; killed, it goes on from the last whole day.
	@HCRM_INSTANCE_DIR=$(or $(HCRM_INSTANCE_DIR),$(CURDIR)/instance/soak) HCRM_LOG_LEVEL=WARNING \
		$(BIN)/hcrm simulate --days $(SOAK_DAYS) --per-day $(SOAK_PER_DAY) --seed 1

clean-demo: setup ## Remove the demonstration's database, so that the next one starts over.
	@$(BIN)/hcrm db remove --demo

test: setup .make/dev ## Run all tests.
	@$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadgroup -q $(TESTS)

check: setup .make/dev ## Formatting, lint, types, who may import whom, structure.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/architecture

format: .make/dev ## Format the code.
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

bench: setup .make/dev ## Measure feeds, imports, messages, pages, plans, appointments, surveys and upkeep.
	@$(BIN)/python -m tests.benchmarks

crash-test: setup .make/dev ## Kill worker and listener again and again, then count what was sent and stored.
	@HCRM_CRASH_ROUNDS=60 HCRM_CRASH_KILLS=3000 HCRM_TEST_SERVERS=embedded $(BIN)/python -m pytest -q -s -m crash tests/integration/worker tests/integration/intake

screenshots: setup .make/dev ## Take the pictures of the guide from the running demo.
	@$(BIN)/python tests/browser/take_screenshots.py http://127.0.0.1:$(or $(HCRM_PORT),8000) docs/images

translations: setup ## Collect the texts of the screens into the catalogues, for translators to fill in.
	@$(BIN)/pybabel --quiet extract --mapping-file hcrm/translations/babel.cfg --keywords _l --no-location --sort-output \
		--project HCRM --output-file hcrm/translations/messages.pot hcrm
	@for file in $(CATALOGUES); do $(BIN)/pybabel --quiet update --input-file hcrm/translations/messages.pot \
		--output-file "$$file" --locale "$$(basename "$$(dirname "$$(dirname "$$file")")")" \
		--no-fuzzy-matching --omit-header --ignore-obsolete --width=120 || exit 1; done

lock: .make/dev ## Lock the requirements anew; run it after a change in requirements/*.in.
	for name in base dev; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header requirements/$$name.in -o requirements/$$name.txt || exit 1; done

.venv/pyvenv.cfg:
	@if [ -z "$(PYTHON)" ]; then \
		echo "HCRM needs Python 3.11 or newer with its venv module: install it (on Debian: python3 and python3-venv)." >&2; \
		exit 1; fi
	@echo "Making the environment in .venv (once; it takes a minute or two) ..."
	@$(PYTHON) -m venv .venv

.make/base: .venv/pyvenv.cfg requirements/base.txt pyproject.toml
	@mkdir -p .make
	@$(PIP) install --no-deps --require-hashes -r requirements/base.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.make/dev: .make/base requirements/dev.txt
	@echo "Installing what the tests and checks need (once) ..."
	@$(PIP) install --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

%.mo: %.po .make/base
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@
