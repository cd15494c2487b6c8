# Every target works on a fresh checkout: it first makes the environment in .venv, and makes it
# again when the list of dependencies has changed.

# The first of these that is new enough; `make test PYTHON=...` takes another.
PYTHONS := python3 python3.11 python3.12 python3.13
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach python,$(PYTHONS),\
	$(shell $(python) -c '$(NEW_ENOUGH)' 2>/dev/null && echo $(python))))

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
ENGINES := $(VENV)/.engines

# `spacy project` and the commands it runs share a terminal: without buffers their lines keep order.
export PYTHONUNBUFFERED := 1

# On a busy machine more threads get in each other's way: next to other jobs on two cores, training
# the sample entities took two to eight times as long with two threads as with one.
export OMP_NUM_THREADS ?= 1

.PHONY: help quickstart test lint docs docs-pictures mutation peers clean

help:
	@echo "make quickstart  train both models on the sample corpora and try them (a few minutes)"
	@echo "make test        run all tests"
	@echo "make lint        check style and types"
	@echo "make docs        build the documentation in docs/build/html"
	@echo "make docs-pictures  redraw its pictures (some minutes more than the quickstart)"
	@echo "make mutation    change the code in small ways and see whether tests notice (an hour)"
	@echo "make peers       make the environment of what the speed benchmarks compare with"
	@echo "make clean       remove the environment and everything made by the project's commands"

quickstart: $(INSTALLED)
	$(BIN)/python -m spacy project run quickstart

# The empty -m runs the slow tests too. One process for each core; what a file's tests share is made
# once.
test: $(ENGINES)
	$(BIN)/python -m pytest -m "" --numprocesses auto --dist loadfile

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A warning is an error, such as a link that leads nowhere.
docs: $(INSTALLED)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs docs/build/html
	@echo "Open docs/build/html/index.html"

docs-pictures: quickstart
	$(BIN)/python scripts/pictures.py

# Which small changes of the code no test notices: writes docs/mutation.md.
mutation: $(INSTALLED)
	rm -rf mutants
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[mutation]"
	$(BIN)/mutmut run --max-children 1
	$(BIN)/python -m benchmarks.mutation

# Other libraries, for `python -m benchmarks.speed` and `python -m benchmarks.seq2seq`, in an
# environment of their own.
peers: $(INSTALLED)
	test -x $(VENV)-peers/bin/python || $(PYTHON) -m venv $(VENV)-peers
	$(VENV)-peers/bin/python -m pip install --quiet --requirement benchmarks/speed/peers.txt

clean:
	rm -rf $(VENV) $(VENV)-peers build corpus dist docs/build docs/reference/commands.md metrics packages project.lock training *.egg-info
	rm -rf .hypothesis .mypy_cache mutants .pytest_cache .ruff_cache

# Torch comes first and by itself: a build for another device that is already in .venv is kept.
$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	$(if $(PYTHON),,$(error Python 3.11 or newer is needed: name it with PYTHON=...))
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

# Ray, Spark and Dask are large, and nothing but their tests needs them.
$(ENGINES): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[ray,spark,dask]"
	touch $@
