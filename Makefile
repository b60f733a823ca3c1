# The targets CI runs are the ones you run. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11
PEERS_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/relay-peers
# A process for each core. A file's tests stay together, for the relay they share. Files go in their order, since the slow ones
# come first by name. A process that crashes ends the run: with a new one in its place pytest-xdist may wait for ever.
export PARALLEL ?= -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder --max-worker-restart 0
ARGS ?=
export NODE_PATH := $(PEERS_DIR)/node_modules
# Compiled Python files are kept, but not beside the sources: every start of an interpreter is quicker by a second or so.
export PYTHONPYCACHEPREFIX ?= $(CURDIR)/build/pycache
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup compiled wheel package package-test docs demo test test-postgres test-compiled test-newest check format bench bench-quick bench-queue bench-consents bench-copy bench-profile corpora crash crash-postgres faults fuzz fuzz-api likeness simulate pages campaigns campaigns-large lock clean bench-sending bench-content content-model bench-instructions simulate-brake bought

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: $(READY) compiled ## virtual environment with pinned, hashed dependencies; the compiled copy, unless RELAY_COMPILE=0

compiled: $(READY) ## the compiled copy of these sources, where there is a C compiler; takes a minute when they have changed
	@$(BIN)/python scripts/compile

$(READY): requirements-dev.lock pyproject.toml scripts/setup
	scripts/setup $(VENV)
	@touch $@

# Tools of the environment, as they are pinned: nothing is fetched. Compiled for this Python and processor where there is a
# C compiler; whoever installs it needs none.
wheel: $(READY) ## a wheel in dist/ that installs without a compiler; RELAY_COMPILE=0 makes one for every machine
	$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir dist .
	@ls -t dist/*.whl | head -1

# A Debian package needs root, apt and a Debian; ARGS=--plain leaves out the compiler.
package: $(READY) ## in dist/: a wheel, a Debian package with all that it needs, an OCI image
	packaging/make $(ARGS)

package-test: $(READY) ## the Debian package in a clean Debian with systemd, from an earlier state and to this one; the image
	packaging/test-all $(ARGS)

demo: $(READY) ## the whole story on loopback; ARGS=--once ends by itself
	$(BIN)/relay demo $(ARGS)

test: $(READY) ## all tests, on all cores; installs peers where there are apt-get and root. STORE=postgres: those of make test-postgres
	PEERS_DIR='$(PEERS_DIR)' scripts/peers
	$(if $(filter postgres,$(STORE)),VENV=$(VENV) scripts/test-postgres $(ARGS),VENV=$(VENV) scripts/pytest $(ARGS))

test-postgres: $(READY) ## contract, dialogs, registry, lists and pages with the store on PostgreSQL
	VENV=$(VENV) scripts/test-postgres $(ARGS)

test-compiled: $(READY) ## the tests of the mail's way against the compiled copy
	VENV=$(VENV) scripts/test-compiled $(ARGS)

test-newest: ## the suite's short form on the newest Python that can be had: Debian's unstable (SUITE=trixie), or PYTHON, or one on the PATH
	scripts/newest $(ARGS)

check: $(READY) ## format, lint, types, generated files, documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m config.example --check
	$(BIN)/python -m relay.cli.reference --check
	$(BIN)/python -m relay.texts --check
	$(BIN)/pytest -q $(PARALLEL) tests/meta

docs: $(READY) ## all documents as a site in build/site; a link that leads nowhere fails
	scripts/docs $(ARGS)

format: $(READY) ## bring all files into form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## the relay beside Postfix, Haraka and Exim, where installed; see bench/README.md
	PEERS_DIR='$(PEERS_DIR)' bench/run $(ARGS)

bench-quick: $(READY) ## relay and Postfix only; fails if a ratio fell by more than 25 % since the last results
	PEERS_DIR='$(PEERS_DIR)' bench/run --quick $(ARGS)

bench-queue: $(READY) ## what a long queue costs: start, memory, CPU, a small tenant's mail; N=1000000 recipients
	PEERS_DIR='$(PEERS_DIR)' bench/queue --n $(or $(N),1000000) $(ARGS)

bench-consents: $(READY) ## what a large registry of consents costs: look-ups, imports, export, proofs; ARGS='--n 10000000'
	bench/consents $(ARGS)

bench-hits: $(READY) ## openings and clicks: how long answers take at a fixed rate on one core; ARGS='--rate 1000'
	$(BIN)/python -m bench.hits $(ARGS)

bench-instructions: $(READY) ## instructions that accepting a message takes, counted by Valgrind; ARGS='--against FILE'
	$(BIN)/python -m bench.instructions $(ARGS)

bench-content: $(READY) ## CPU of the built-in checks of content for varied newsletters of 30 KB; ARGS='--n 400 --rounds 3'
	PYTHONSAFEPATH=1 PYTHONPATH="$$($(BIN)/python scripts/compile):$(CURDIR)" $(BIN)/python -m bench.content_checks $(ARGS)

content-model: $(READY) ## learn the model of forbidden offers (policies/forbidden/model.txt) from the labelled samples; ARGS='--without held_sixth' judges one set
	$(BIN)/python -m tests.support.content_model $(ARGS)

bench-sending: $(READY) ## how fast the API takes messages; ARGS='--seconds 20 --connections 32'
	$(BIN)/python -m bench.sending $(ARGS)

bench-pages: $(READY) ## how long each page of account and desk takes on a full store, and its octets; ARGS='--copies 20000000'
	$(BIN)/python -m bench.pages $(ARGS)

bench-copy: $(READY) ## how long a relay stands still to move from SQLite to PostgreSQL; ARGS='--n 10000000' people
	$(BIN)/python -m bench.copying $(ARGS)

bench-profile: $(READY) ## flame graphs of the relay under load into docs/profiles; needs py-spy
	PEERS_DIR='$(PEERS_DIR)' bench/profile $(ARGS)

crash: $(READY) ## long runs with kill -9 and faults; KILLS=1000 STEPS=200 SEED=7 in the environment
	$(BIN)/pytest -m 'slow or not slow' tests/crash $(ARGS)

likeness: $(READY) ## how well copies of one campaign are told from another's, by kind; ROUNDS=40 SEED=7 in the environment
	$(BIN)/python -m tests.support.likeness_groups

simulate-brake: $(READY) ## how often tenants' own log-ins are braked and how far thieves get, into docs/OPERATIONS.md; TENANTS=40 DAYS=32
	$(BIN)/python -m tests.support.brake_simulation

pages: $(READY) ## pictures of the main pages for docs/PAGES.md, which needs Chromium, and of `relay top` and `relay doctor`
	$(BIN)/python -m tests.pages.terminals
	$(BIN)/python -m tests.pages

simulate: $(READY) ## how often good campaigns are stopped and bad ones pass, into docs/STAGING.md; RUNS=150 SEED=11 in the environment
	$(BIN)/python -m tests.support.staging_simulation

campaigns: $(READY) ## campaigns of many sizes through a running relay, with people made up, into docs/STAGING.md; SIZES='15 100' SEED=7
	$(BIN)/python -m tests.support.audience

campaigns-large: $(READY) ## the same with 50,000 recipients each, five minutes; fails where a verdict is another than the theory says
	$(BIN)/python -m tests.support.audience --large

bought: $(READY) ## bought lists of 5000 through running relays: how far they get, into docs/STAGING.md; RUNS=60 HONEST=10 SEED=7
	$(BIN)/python -m tests.support.bought_lists

corpora: $(READY) ## how well bounces and reports are understood; CORPORA=DIR names collections of real ones
	CORPORA='$(CORPORA)' $(BIN)/python scripts/corpora

faults: $(READY) ## bad days, long forms: full disk, damage, lost files, threads, kills; docs/RELIABILITY.md has the figures
	$(BIN)/pytest -m 'slow or not slow' -rA tests/crash \
	  tests/unit/test_committer_faults.py tests/unit/test_store_{room,shrink,roots,condition}.py \
	  tests/unit/test_web_readiness.py tests/unit/test_observe_lines.py $(ARGS)

crash-postgres: $(READY) ## the database server and the relay die under load, KILLS=20 times each way, and other bad days of the server
	$(BIN)/pytest -m 'slow or not slow' -rA tests/crash/test_postgres.py tests/crash/test_postgres_faults.py $(ARGS)

fuzz: $(READY) ## mutated input through every parser; ARGS='--n 100000 --seed 7'
	set -e; for file in tests/fuzz/[a-z]*.py; do $(BIN)/python -m tests.fuzz.$$(basename $$file .py) $(ARGS); done

fuzz-api: $(READY) ## the running API against its OpenAPI document; ARGS='--seconds 600 --seed 7'
	$(BIN)/python -m tests.support.api_fuzz $(ARGS)

lock: $(READY) ## resolve the dependencies of pyproject.toml anew; ARGS=--upgrade takes newer ones
	$(LOCK) $(ARGS) pyproject.toml -o requirements.lock
	$(LOCK) $(ARGS) docs/site/requirements.in -o requirements-docs.lock
	$(LOCK) $(ARGS) --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## remove what the other targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
