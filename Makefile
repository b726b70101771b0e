# Needs Python 3.11 or newer and nothing else: every target that runs code makes .venv first.
VENV ?= .venv
PORT_OFFSET ?= 0
PYTEST_ARGS ?=
BENCH_ARGS ?=
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed
PAGES = README.md docs

.DEFAULT_GOAL := help
.PHONY: help run sign-in test demo check format lock lock-upgrade bench bench-engines screenshots dapr-runtime \
	clean test-quick test-unit test-replay test-conformance test-system test-browser test-dapr test-fleet \
	test-deploy test-long

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' Makefile

run: $(INSTALLED) ## start the shop; Ctrl-C stops it (PORT_OFFSET=n adds n to every port)
	@exec $(BIN)/python -m tools.run --port-offset $(PORT_OFFSET)

sign-in: $(INSTALLED) ## new sign-in links for the shop that is open (PORT_OFFSET=n as for make run)
	@exec $(BIN)/python -m tools.sign_in --port-offset $(PORT_OFFSET)

test: $(INSTALLED) ## run all tests (PYTEST_ARGS are passed on)
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

demo: $(INSTALLED) ## one order from start to delivered, on a shop of its own
	@exec $(BIN)/python -m tools.demo

# What a workflow's step gives is Any to the SDK, so the services may return it.
check: $(INSTALLED) ## ruff, mypy, the pages' Markdown, known vulnerabilities
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy -p tools -p bench
	@set -e; for service in pizza-*; do \
		MYPYPATH=$$service:. $(BIN)/mypy --explicit-package-bases \
			--follow-imports silent --untyped-calls-exclude dapr --no-warn-return-any \
			$$service/*.py; \
	done
	@$(BIN)/pymarkdown scan $(PAGES)
	@$(BIN)/python -m tools.contents
	@$(BIN)/python -m tools.audit

format: $(INSTALLED) ## let ruff put the code in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: $(INSTALLED) ## write requirements.txt from pyproject.toml, keeping versions that still fit
	@$(BIN)/python -m tools.lock

lock-upgrade: $(INSTALLED) ## write requirements.txt with the newest versions that fit
	@$(BIN)/python -m tools.lock --upgrade

bench: $(INSTALLED) ## time an order, on a shop of its own
	@exec $(BIN)/python -m bench.orders

bench-engines: $(INSTALLED) bench/.venv ## localdapr beside daprd, DBOS and a null sidecar (15 minutes)
	@exec $(BIN)/python -m bench.workflows $(BENCH_ARGS)

bench/.venv: bench/requirements.txt
	@$(BIN)/python -m venv $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

screenshots: $(INSTALLED) ## take the pictures of docs/pictures, which needs chromium
	@exec $(BIN)/python -m tools.screenshots

dapr-runtime: ## build the real Dapr runtime, which needs Go
	@sh tools/dapr-runtime/build.sh

clean: ## remove .venv, caches and the shop's data
	@rm -rf $(VENV) bench/.venv .localdapr build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

test-quick: $(INSTALLED) ## worth running often: all but whole shop, browser and crashes (2 minutes)
	@$(BIN)/python -m pytest tests/unit tests/replay tests/conformance tests/hub $(PYTEST_ARGS)

test-unit: $(INSTALLED) ## the tests of single parts
	@$(BIN)/python -m pytest tests/unit $(PYTEST_ARGS)

test-replay: $(INSTALLED) ## the workflow, driven through histories
	@$(BIN)/python -m pytest tests/replay $(PYTEST_ARGS)

test-conformance: $(INSTALLED) ## localdapr against what the real runtime answers
	@$(BIN)/python -m pytest tests/conformance $(PYTEST_ARGS)

test-system: $(INSTALLED) ## the whole shop as real processes
	@$(BIN)/python -m pytest tests/system $(PYTEST_ARGS)

test-browser: $(INSTALLED) ## the pages in a real browser, which needs chromium
	@$(BIN)/python -m pytest tests/browser $(PYTEST_ARGS)

test-dapr: $(INSTALLED) ## task hub, vectors, shop and pages on the real runtime, built if need be
	@$(BIN)/python -m tools.dapr_binaries
	@PIZZA_CONSERVATION_ORDERS=30 $(BIN)/python -m pytest tests/hub tests/conformance tests/system \
		tests/browser/test_stories.py tests/browser/test_operating.py --engine dapr $(PYTEST_ARGS)

test-fleet: $(INSTALLED) ## replicas, deaths and a rolling update on the real runtime (10 minutes)
	@$(BIN)/python -m tools.dapr_binaries
	@$(BIN)/python -m pytest tests/fleet --engine dapr $(PYTEST_ARGS)

test-deploy: $(INSTALLED) ## the manifests of deploy/, which need validators of their own
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r deploy/requirements.txt
	@$(BIN)/python -m pytest tests/deploy $(PYTEST_ARGS)

test-long: $(INSTALLED) ## crashes by the hundred, 300 random orders, thorough properties (30 minutes)
	@$(BIN)/python -m pytest tests/crash --kills 200
	@PIZZA_CONSERVATION_ORDERS=300 $(BIN)/python -m pytest tests/system/test_conservation.py
	@$(BIN)/python -m pytest tests/unit/localdapr/engine --hypothesis-profile thorough

$(INSTALLED): requirements.txt pyproject.toml
	@PYTHON="$(PYTHON)" sh tools/setup.sh $(VENV)
