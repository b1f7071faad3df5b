"""What does a kernel ask of its hypervisor, and when?  A histogram over guest time.

    python docs/examples/histogram.py                       the toy kernel `ticks`
    python docs/examples/histogram.py vmlinux initrd        a kernel of your own

For exact totals there is `partition.stats()`; this shows how to collect something of your own.
"""

import sys
from collections import Counter
from pathlib import Path

from pyphyp import Machine, assemble_toy

BUCKET_TICKS = 512_000_000  # a second of the time base

with Machine(epoch=0) as machine:
    seen: Counter[tuple[int, str]] = Counter()

    @machine.before("*")
    def count(event):
        seen[event.time_base // BUCKET_TICKS, event.name] += 1

    partition = machine.add_partition(memory="1G")
    if len(sys.argv) > 1:
        files = [Path(name) for name in sys.argv[1:]]
        partition.boot(*files, append="console=hvc0")
    else:
        partition.load(assemble_toy("ticks"))
    outcome = partition.run(seconds=60)

    for (second, name), calls in sorted(seen.items()):
        print(f"{second:3d} s  {name:<20} {calls:6d} {'#' * min(calls, 40)}")
    print("ended:" if outcome else "still running", outcome.ending.value if outcome else "")
