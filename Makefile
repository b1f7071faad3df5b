# One front door for the project's tools.  `make check` before every commit.
PYTHON ?= python3
SOURCES = emu hypervisor firmware guests pyphyp tests setup.py

.PHONY: check format lint types fast test slow bench docs bless

check: lint types fast        ## format, lint, types, fast tests (under a minute)

format:                       ## rewrite the sources in the project's form
	$(PYTHON) -m ruff format $(SOURCES)
	$(PYTHON) -m ruff check --fix $(SOURCES)

lint:
	$(PYTHON) -m ruff format --check $(SOURCES)
	$(PYTHON) -m ruff check $(SOURCES)

types:
	$(PYTHON) -m mypy

fast:
	$(PYTHON) -m pytest -n auto -m "not slow and not linux"

test:                         ## everything but the benchmarks
	$(PYTHON) -m pytest -n auto

slow:
	$(PYTHON) -m pytest -m "slow or linux"

bench:                        ## alternating runs against qemu-system-ppc64; prints ratios
	$(PYTHON) -m tests.bench

docs:                         ## the generated pages under docs/
	$(PYTHON) -m pyphyp.reference docs

bless:                        ## accept the golden outputs as they are now; read the diff
	$(PYTHON) -m pytest --bless -m "not linux"
