from __future__ import annotations

import argparse

from . import boot, hypercall, state, userland

BENCHMARKS = {
    "boot": boot.main,
    "hypercall": hypercall.main,
    "state": state.main,
    "userland": userland.main,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="counted runs of each (5)")
    parser.add_argument("names", nargs="*", help=f"which of: {', '.join(BENCHMARKS)} (all)")
    arguments = parser.parse_args()
    for name in arguments.names or BENCHMARKS:
        BENCHMARKS[name](arguments.rounds)
