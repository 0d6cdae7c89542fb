# The two commands of the README: `make up` and `make test`. Everything happens in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# a plain path in site-packages: the import hook of other editable installs costs each start of kk 11 ms
PLAIN := --config-settings editable_mode=compat
DEV_STAMP := $(VENV)/.installed-dev
# two cores: one worker each and one more, because whole-cluster tests mostly wait
WORKERS ?= 3

.PHONY: up down test lint bench soak docs clean

up: $(STAMP)
	@$(BIN)/kk up
	@printf '\nNext:\n  . $(VENV)/bin/activate        # puts kk on the PATH\n  kk get nodes\n  kk create deployment web --image=nginx\n  kk get pods --watch\n\n`make down` stops the cluster; `kk up` starts it again with everything in it.\n'

down: $(STAMP)
	@$(BIN)/kk down

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("kk needs Python 3.11 or newer, this is %d.%d" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e . $(PLAIN)
	$(BIN)/python -m compileall -q kk
	@touch $@

$(DEV_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' $(PLAIN)
	$(BIN)/python -m tests.kubectl
	@touch $@

test: $(DEV_STAMP) lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m 'not soak'

lint: $(DEV_STAMP)
	$(BIN)/ruff check kk tests
	$(BIN)/ruff format --check kk tests
	$(BIN)/mypy

bench: $(DEV_STAMP)
	$(BIN)/python -m tests.bench

soak: $(DEV_STAMP)
	$(BIN)/python -m pytest -m soak

docs: $(DEV_STAMP)
	$(BIN)/python -m kk.cli.man
	$(BIN)/python -m kk.cli.completion

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
