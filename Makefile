# make demo       environment, then the main job on the embedded model
# make test       environment, then the fast tests
# make test-slow  tests that take minutes
# make test-vllm  tests on a real vLLM on the CPU, in an environment of its own (large download, once)
# make check      format, lint, types
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
VLLM := .venv-vllm

.PHONY: demo test test-slow test-vllm vllm check format setup
setup: $(READY)

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	touch $(READY)

demo: $(READY)
	$(BIN)/traitsmith create alignment/strategic_omission --pairs 60 --review none --replace

test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile

vllm: $(VLLM)/ready

$(VLLM)/ready: tests/vllm/environment.py
	$(PYTHON) tests/vllm/environment.py $(VLLM)

test-slow: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -m slow --timeout 1800 -n 2 --dist loadfile

test-vllm: $(VLLM)/ready
	$(VLLM)/bin/python -m pytest -m vllm --timeout 1800

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
