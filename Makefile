# The only task runner.  `make demo` and `make test` work on a fresh machine that has Python 3.11
# (with venv), a Rust toolchain, gcc, make and git; everything else they install themselves.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
CARGO  ?= cargo
RUST   := $(shell find crates -name '*.rs' -o -name '*.toml') Cargo.toml Cargo.lock
OUT    := examples/out

.DEFAULT_GOAL := help
.PHONY: help demo build test test-slow test-rust test-python lint types layers fix stubs bench docs deny clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "smelt needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make PYTHON=python3.11"; exit 1; }
	@command -v $(CARGO) > /dev/null || \
	  { echo "smelt needs a Rust toolchain (cargo 1.89 or newer): see https://rustup.rs"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip 'maturin>=1.14,<2'
	@touch $@

# The library with what it needs at run time, and the extension in release mode.
$(VENV)/.built: $(VENV)/.created pyproject.toml $(RUST)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.%-tools: $(VENV)/.built
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@

build: $(VENV)/.built  ## create .venv, build the extension, install smelt into it

demo: $(VENV)/.built  ## train on the heart-disease table, predict, say where model and report lie
	@mkdir -p $(OUT)
	@$(BIN)/python examples/demo.py $(OUT)

test: lint types layers test-rust test-python  ## everything that must pass before a change lands

lint: $(VENV)/.test-tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(CARGO) fmt --check
	$(CARGO) clippy --release --workspace --all-targets --quiet -- -D warnings

types: $(VENV)/.test-tools
	$(BIN)/mypy

layers: $(VENV)/.test-tools
	$(BIN)/python tools/check_layers.py
	$(BIN)/python tools/check_sizes.py
	$(BIN)/python tools/make_stubs.py --check

# The whole workspace, although the binding has no tests: without it cargo would choose other features
# for num-complex and compile faer anew.
test-rust: $(VENV)/.built
	$(CARGO) test --release --workspace --quiet

test-python: $(VENV)/.test-tools
	$(BIN)/python -m pytest --quiet --numprocesses 2

test-slow: $(VENV)/.test-tools  ## the tests that take over ten seconds each
	$(BIN)/python -m pytest --quiet --numprocesses 2 -m slow

fix: $(VENV)/.test-tools  ## format, and mend what the linters can mend
	$(CARGO) fmt
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

stubs: $(VENV)/.test-tools  ## write the type stubs of the extension anew
	$(BIN)/python tools/make_stubs.py

bench: $(VENV)/.bench-tools  ## every benchmark row, smelt beside its twin and its peers
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.docs-tools  ## the site with lessons, guides and API, in docs/_build/html
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs docs/_build/html
	@echo "open docs/_build/html/index.html"

deny:  ## licences and banned crates (needs cargo-deny)
	$(CARGO) deny check

clean:  ## remove everything that make made
	rm -rf $(VENV) target docs/_build $(OUT) python/smelt/_smelt*.so
