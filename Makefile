# make demo       environment, then the main job on the embedded model
# make test       environment, then the fast tests
# make test-slow  tests that take minutes, those on a real vLLM among them
# make soak       a run killed ten times at each node; a quarter of an hour
# make test-vllm  tests on a real vLLM on the CPU, in an environment of its own (large download, once)
# make check      format, lint, types
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
VLLM := .venv-vllm

.PHONY: demo test test-slow soak test-vllm vllm check format setup browser
setup: $(READY)

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev,quant]"
	touch $(READY)

demo: $(READY)
	$(BIN)/traitsmith create alignment/strategic_omission --pairs 60 --review none --replace

test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile

vllm: $(VLLM)/ready

$(VLLM)/ready: tests/vllm/environment.py pyproject.toml
	$(PYTHON) tests/vllm/environment.py $(VLLM)

# The review page is tested in a real browser; without root the test says what is missing.
browser:
	@if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium chromium-driver >/dev/null; \
	  else echo "no chromium and chromedriver: install them (Debian: chromium chromium-driver) to test the review page"; fi; \
	fi

test-slow: $(READY) browser test-vllm
	OMP_NUM_THREADS=1 $(BIN)/pytest -m slow --timeout 1800 -n 2 --dist loadfile

soak: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -m soak --timeout 1800 -n 2

test-vllm: $(VLLM)/ready
	$(VLLM)/bin/python -m pytest -m vllm --timeout 1800

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
