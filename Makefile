# Touchline's commands; `make` lists them. Needs git, make and Python 3.11 or newer with its venv module.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
LOCKER := .data/locker
UV_VERSION := 0.13.9
COMPILE := $(LOCKER)/bin/uv pip compile --quiet --python-version 3.11 --generate-hashes \
  --no-header --no-annotate --no-emit-index-url
# A file's tests stay together; tests/conftest.py puts the longest files first.
IN_PARALLEL := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench bench-quick faults serve worker lock clean programs

help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 13

demo: $(VENV)/demo ## Start everything with demo data and without Salesforce; PORT=8000 STAND_IN_PORT=8001
	@exec $(BIN)/python -m config.demo

test: programs $(VENV)/test lint ## Run every check and test, on as many cores as there are up to four
	@$(BIN)/python -m pytest $(IN_PARALLEL) && code=0 || code=$$?; $(BIN)/python -m config.postgres release; exit $$code

lint: $(VENV)/test ## Check style, and that no migration is missing
	@$(BIN)/python -m ruff check
	@$(BIN)/python -m ruff format --check
	@$(BIN)/python manage.py makemigrations --check --dry-run --settings tests.settings

bench: $(VENV)/test ## Measure what the product costs beside its baselines; TARGETS="G1 G7"
	@$(BIN)/python -m tests.benchmarks $(TARGETS)

bench-quick: $(VENV)/test ## The same with a sample, in under three minutes
	@$(BIN)/python -m tests.benchmarks --quick $(TARGETS)

faults: $(VENV)/test ## Show that nothing is lost or written twice under any fault; about 40 minutes. PARTS="matrix kills"
	@$(BIN)/python -m tests.faults $(PARTS)

serve: $(VENV)/production ## Start the web server, configured by the environment (docs/operations.md)
	@$(BIN)/python manage.py collectstatic --no-input --verbosity 0
	@exec $(BIN)/python -m gunicorn --config config/gunicorn.py

worker: $(VENV)/production ## Start the queue's workers, configured by the environment
	@exec $(BIN)/python -m config.queue_watchdog

lock: $(LOCKER)/bin/uv ## Renew requirements/*.txt from requirements/*.in; UPGRADE=--upgrade takes newer versions
	@for name in base demo test; do $(COMPILE) $(UPGRADE) requirements/$$name.in -o requirements/$$name.txt; done

clean: ## Remove what was made, the demo's data included
	@[ ! -x $(BIN)/python ] || $(BIN)/python -m config.postgres stop
	@home=$$(cat .data/postgres/moved-to 2>/dev/null) || home=; case $$home in /var/lib/touchline/?*) rm -rf "$$home";; esac
	rm -rf $(VENV) .data staticfiles

# One stamp for each use, older than its lock files when these have changed.
$(VENV)/production: requirements/base.txt | $(BIN)/python
	@echo "Installing requirements…"
	@$(PIP_INSTALL) -r requirements/base.txt
	@touch $@

$(VENV)/demo: requirements/demo.txt $(VENV)/production
	@$(PIP_INSTALL) -r requirements/demo.txt
	@touch $@

$(VENV)/test: requirements/test.txt $(VENV)/demo
	@$(PIP_INSTALL) -r requirements/test.txt
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Touchline needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python cannot make a virtual environment here: install the package python3-venv."; exit 1; }

$(LOCKER)/bin/uv:
	@$(PYTHON) -m venv $(LOCKER)
	@$(LOCKER)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# What the tests drive besides Python: a browser (whose driver needs libatomic, which a bare Debian lacks) and a mail server.
programs:
	@PATH="$$PATH:/usr/sbin"; missing() { \
	  command -v "$${CHROMIUM:-chromium}" >/dev/null || echo chromium; \
	  ls /usr/lib/*/libatomic.so.1 >/dev/null 2>&1 || echo libatomic1; \
	  command -v dovecot >/dev/null || echo dovecot-imapd; }; \
	[ -z "$$(missing)" ] || [ "$$(id -u)" != 0 ] || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$(missing) >/dev/null; }; \
	[ -z "$$(missing)" ] || { echo "The tests need programs that are not here: apt-get install" $$(missing); exit 1; }
