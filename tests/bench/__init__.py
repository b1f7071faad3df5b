"""Timings on this machine, against qemu-system-ppc64 where QEMU does the same.

    python -m tests.bench [--runs N] [--json] [FIGURE ...]

They print one table of medians and ratios and never fail on time; docs/performance.md says what
each figure means.  What is counted, not timed, is asserted in the tests.
"""
