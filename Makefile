# Two commands matter: `make run` and `make test`. Both make the environment they need, in this clone only.
PYTHON ?= $(shell command -v python3.12 >/dev/null 2>&1 && python3.12 -c '' 2>/dev/null && echo python3.12 || echo python3)
BIN := .venv/bin

.PHONY: run test check env clean

run: env
	$(BIN)/kernelwright run layer_norm

test: check
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

check: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

env: .venv/ready .ns/ready

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "kernelwright needs Python 3.11 or newer: set PYTHON=/path/to/python3.12"; exit 3; }
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is missing: apt-get install python3-venv"; exit 3; }
	$(BIN)/python -m pip install -q -c constraints.txt torch triton
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@

# Type checkers do not follow setuptools' import hook, so they get a folder of links.
.ns/ready:
	@mkdir -p .ns/kernelwright
	@for room in agent evaluator prompts reference_kernels stages; do ln -sfn ../../$$room .ns/kernelwright/$$room; done
	@touch $@

clean:
	rm -rf .venv .ns
