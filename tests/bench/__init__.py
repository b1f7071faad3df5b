"""Benchmarks: pyphyp and qemu-system-ppc64 in alternating runs on the same machine.

    python -m tests.bench [--rounds N] [NAME ...]

They print medians and ratios and never fail on time.  What is counted, not timed, is asserted in
the tests.
"""
