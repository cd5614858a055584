# Everything a newcomer needs: `make demo` and `make test` set up all they use. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCKED := deploy/requirements
REQUIREMENTS := $(LOCKED)/development.txt
AWS_CLIENTS := $(LOCKED)/aws_clients.txt
BOTO3_CRT := $(LOCKED)/boto3_crt.txt
NODE_CLIENTS := tests/real_clients/node
INSTALLED := $(VENV)/installed
PROVIDER := tests/interop/oidc_provider
# A file's tests in one process, which makes what they share; in the order of tests/slow_tests.py.
BY_FILE := --dist loadfile --no-loadscope-reorder

.PHONY: help demo test quick coverage lint translations corpus chaos walk bench dist image try-image audit-dependencies lock clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 16

$(INSTALLED): $(REQUIREMENTS) $(AWS_CLIENTS) $(BOTO3_CRT) pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary lxml,xmlsec -r $(REQUIREMENTS)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r $(AWS_CLIENTS)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --upgrade --target $(VENV)/boto3-crt -r $(BOTO3_CRT)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q federation_bridge
	@touch $@

demo: $(INSTALLED) ## the main job on this machine, then stay up for a browser (ONCE=1: exit instead; PORT=8400)
	@$(BIN)/python -m federation_bridge.sandbox.demo $(if $(ONCE),--once) $(if $(PORT),--port $(PORT))

translations: $(INSTALLED) ## new sentences of the pages and the terminal into the .po, the .po into the .mo; says what waits for a translation
	@$(BIN)/python tests/catalogue.py

corpus: $(INSTALLED) ## every message that others published, with the verdict that it deserves (CORPUS: where they lie)
	@$(BIN)/python -m pytest -m corpus tests/corpus

%/node_modules/.package-lock.json: %/package-lock.json
	@if command -v npm >/dev/null && ! npm ci --prefix $* --loglevel=error --no-audit --no-fund --ignore-scripts >/dev/null; then \
	  rm -rf $*/node_modules; \
	  echo "npm could not fetch what $* needs, for the reason above: its tests will be told as not run" >&2; \
	fi

test: $(INSTALLED) $(PROVIDER)/node_modules/.package-lock.json $(NODE_CLIENTS)/node_modules/.package-lock.json ## every test, on SQLite and on a real PostgreSQL (no server to install, no root needed)
	@$(BIN)/python -m pytest --numprocesses 4 $(BY_FILE) -m "not corpus and not chaos and not walk and not image" tests

quick: $(INSTALLED) ## the tests for the loop, under a minute: no programs, no browser, no PostgreSQL
	@$(BIN)/python -m pytest --numprocesses 2 -m "not slow" tests

coverage: $(INSTALLED) ## every test, and which lines of the package no test in this process reaches
	@$(BIN)/python -m pytest --numprocesses 2 $(BY_FILE) -m "not corpus and not chaos and not walk and not image" --cov=federation_bridge --cov-report=term:skip-covered tests

chaos: $(INSTALLED) ## kill -9, restarts, an upgrade, a silent PostgreSQL, all under load: some ten minutes (ROUNDS: how many; SEED: the same again)
	@$(BIN)/python -m pytest -m chaos -p no:randomly tests/chaos/test_rounds.py tests/chaos/test_long_days.py

walk: $(INSTALLED) ## the pages from bare Debian to a restore, and each way to install, on a root of its own (as root; installs from a registry)
	@$(BIN)/python -m pytest -m walk tests/deploy/test_walk.py

lint: $(INSTALLED) ## style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(INSTALLED) ## speed and memory, each beside its yardstick in the same run
	@$(BIN)/python -m tests.benchmarks

dist: $(INSTALLED) ## what a release consists of: wheel, source archive, SBOM, locked requirements, hashes
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist . >/dev/null
	cp $(LOCKED)/server.txt dist/
	$(BIN)/cyclonedx-py requirements $(LOCKED)/server.txt --pyproject pyproject.toml --output-reproducible --output-file dist/sbom.cdx.json
	cd dist && sha256sum * > SHA256SUMS
	@ls dist

image: ## the container image (BASE=debian: on a base of Debian's packages, as root; BUILDER, OPTIONS: what builds, and its options)
	@BASE='$(BASE)' BUILDER='$(BUILDER)' OPTIONS='$(OPTIONS)' $(PYTHON) deploy/container/build.py

try-image: $(INSTALLED) ## starts the image that `make image` built, alone and by the compose file, and looks at all that is in it
	@$(BIN)/python -m pytest -m image --capture=no tests/deploy/test_image.py tests/deploy/test_compose_started.py

audit-dependencies: $(INSTALLED) ## known weaknesses of what is locked (asks public databases)
	$(BIN)/pip-audit --require-hashes --disable-pip --requirement $(LOCKED)/server.txt --requirement $(LOCKED)/sandbox.txt

lock: $(INSTALLED) ## the locked, hashed requirements; names no registry
	$(BIN)/python -m pip install --quiet 'uv>=0.5'
	$(BIN)/python deploy/requirements/lock.py

clean: ## what `make` made
	rm -rf $(VENV) $(PROVIDER)/node_modules $(NODE_CLIENTS)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
