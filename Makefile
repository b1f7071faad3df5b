# One front door for the project's tools.  `make check` before every commit.
PYTHON ?= python3
SOURCES = emu hypervisor firmware guests lx86 pyphyp tests setup.py

.PHONY: check format lint types fast test slow sanitize bench docs bless

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

# A copy of the packages whose extension checks every access and every operation of its own.
SANITIZED = build/sanitized
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g

sanitize:                     ## hostile guests under AddressSanitizer and UBSan (needs gcc)
	CFLAGS="$(SANITIZE)" LDFLAGS="-fsanitize=address,undefined" \
	    $(PYTHON) setup.py -q build --build-lib $(SANITIZED) --build-temp $(SANITIZED)-objects
	for driver in instructions page-tables hypercalls firmware-calls virtual-scsi virtual-fc virtual-lan \
	    virtual-pairs x86-code; do \
	    LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	    ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8 UBSAN_OPTIONS=print_stacktrace=1 \
	    PYTHONSAFEPATH=1 PYTHONPATH=$(SANITIZED):. \
	    $(PYTHON) -m tests.hostile $$driver --seed 3 --count 100000 || exit 1; \
	done

bench:                        ## alternating runs against qemu-system-ppc64; prints the table of figures
	$(PYTHON) -m tests.bench

docs:                         ## the generated pages under docs/
	$(PYTHON) -m pyphyp.reference docs

bless:                        ## accept the golden outputs as they are now; read the diff
	$(PYTHON) -m pytest --bless -m "not linux"
