# Each target sets up what it needs: a virtual environment in .venv with this package in it.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal -q

.PHONY: quickstart test test-gate lint format table bench clean

quickstart: .venv/installed ## pretrain on the sample, judge, export, verify
	$(BIN)/keras-ssl quickstart

test: .venv/dev ## the fast tests and the examples in docstrings
	$(PYTEST) -m "not gate" --doctest-modules tests keras_ssl

# In three parts: TensorFlow keeps every graph until its process ends, which is some 25 GB for all of them.
test-gate: .venv/dev ## the slow proofs
	$(PYTEST) -m gate tests/objectives/test_gate.py
	$(PYTEST) -m gate tests/objectives --ignore=tests/objectives/test_gate.py
	$(PYTEST) -m gate tests --ignore=tests/objectives

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

table: .venv/installed ## every recipe's scores
	$(BIN)/python benchmarks/table.py
	$(BIN)/python benchmarks/text_table.py
	$(BIN)/python benchmarks/text_transfer.py

bench: .venv/dev ## speed, as ratios against peers in the same run
	$(BIN)/python benchmarks/step.py
	$(BIN)/python benchmarks/image_objectives.py --again
	$(BIN)/python benchmarks/image_views.py
	$(BIN)/python benchmarks/text_step.py
	$(BIN)/python benchmarks/text_pipeline.py
	$(BIN)/python benchmarks/gradient_cache.py
	$(BIN)/python benchmarks/import_time.py
	$(BIN)/python benchmarks/scaling.py
	$(BIN)/python benchmarks/checkpoint.py

clean:
	rm -rf .venv build dist *.egg-info

# Made anew only when what they install has changed.
.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "keras_ssl needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python setup.cfg setup.py
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

.venv/dev: .venv/bin/python setup.cfg setup.py
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@ .venv/installed
