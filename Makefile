PYTHON ?= python

.PHONY: help check lint format types test bench

help:            ## Say what there is.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ -/'

check: lint types test  ## All that a change must pass.

lint:            ## Style and formatting, nothing changed.
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format:          ## Format, and mend what can be mended.
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

types:           ## Type annotations.
	$(PYTHON) -m mypy

test:            ## Tests and doctests with branch coverage; torch comparisons where torch is there.
	$(PYTHON) -m pytest --cov

bench:           ## Speed against torch, JAX and scikit-learn.
	$(PYTHON) -m benchmarks
