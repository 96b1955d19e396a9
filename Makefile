# Everything lives in .venv; the locked set of packages is installed with hashes, so two machines get the same bytes.
PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed

COMPILE := uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 --no-strip-extras --no-header \
  --no-annotate --no-emit-index-url --no-emit-find-links

# Dozens of processes start in a run of the suite, and a set PYTHONDONTWRITEBYTECODE would have each compile everything.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-scale test-stack check bench lock setup clean

run: setup ## start the platform in the demo profile
	$(BIN)/arb up --profile demo

test: setup ## run the suite, a file at a time in three processes, for one of which is always waiting; see also test-scale and test-stack
	$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --ignore arb_platform_tests/scale --ignore arb_platform_tests/stack

test-scale: $(STAMP)-scale ## the storage suite on a real PostgreSQL and a real S3 server, which die on the way
	$(BIN)/pytest arb_platform_tests/scale

test-stack: $(STAMP)-scale ## whole platforms on PostgreSQL, killed, renewed and deployed
	$(BIN)/pytest arb_platform_tests/stack

check: setup ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup ## measured ratios, never asserted in the suite
	$(BIN)/python -m arb_platform_tests.benchmarks

lock: ## re-resolve both lock files (needs uv)
	$(COMPILE) --extra dev -o requirements.lock
	$(COMPILE) --extra dev --extra scale --group scale-test -c requirements.lock -o requirements-scale.lock

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 was not found as '$(PYTHON)'; install it or run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

$(STAMP)-scale: $(STAMP) requirements-scale.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-scale.lock
	@touch $@

clean: ## remove the virtual environment and caches, never data
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
