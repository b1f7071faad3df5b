from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from guests.userland import fetch_userland
from tests.bench.systems import Silent

from . import guest, reference
from .programs import PACKAGES, PROGRAMS, files


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.userland", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="of guest time, each (600)")
    parser.add_argument("names", nargs="*", help="those whose name begins so (all)")
    arguments = parser.parse_args()
    starts = tuple(arguments.names) or ("",)
    userland = fetch_userland(PACKAGES, Silent())
    wrong = 0
    with TemporaryDirectory() as directory:
        tree, work = Path(directory) / "tree", Path(directory) / "work"
        work.mkdir()
        reference.unpack(userland, tree)
        for program in PROGRAMS:
            if not program.name.startswith(starts):
                continue
            theirs = reference.run([program], tree, work, files()).get(program.name, "no end")
            ours = guest.run([program], userland, files(), seconds=arguments.seconds)
            mine = ours.get(program.name, "no end")
            print(f"{program.name}: {'equal' if mine == theirs else 'DIFFERENT'}", flush=True)
            if mine != theirs:
                wrong += 1
                lines = difflib.unified_diff(theirs.split("\n"), mine.split("\n"), "qemu", "pyphyp")
                print("\n".join(line[:300] for line in lines), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
