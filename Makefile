# The checks that .ci/run makes, one at a time, in the environment that is active.
.PHONY: all format lint types layers schema test slow mutants bench ci

all: lint types layers schema test

format:
	ruff format
	ruff check --fix

lint:
	ruff check
	ruff format --check

types:
	mypy

layers:
	lint-imports

schema:
	mlspec schema --check

test:
	pytest -n auto

slow:
	pytest -n auto -m slow

mutants:
	python tests/mutants

bench:
	python benchmarks/startup.py

ci:
	.ci/run
