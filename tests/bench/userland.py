"""What a guest's programs take: host seconds between a program's first and last word.

Each system boots once a round and runs all programs; the boot itself is not counted.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from guests.linux import fetch_linux

from .alternate import TIMEOUT_SECONDS, spread
from .boot import POWER9, QEMU, VOF, Silent

PROGRAMS = {
    "sha256sum of 64 MiB": "dd if=/dev/zero bs=1M count=64 2>/dev/null | sha256sum >/dev/null",
    "shell loop of 60,000": "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done",
    "sort of 60,000 lines": "seq 60000 | sort -r | sort -n >/dev/null",
    "gzip of 24 MiB": "dd if=/bin/busybox bs=1M count=24 2>/dev/null | gzip -1 >/dev/null",
    "fork and exec, 200 times": "for i in $(seq 200); do /bin/true; done",
}


def script() -> str:
    lines = [
        f"echo begin:{n}; {{ {program}; }}; echo end:{n}"
        for n, program in enumerate(PROGRAMS.values())
    ]
    return "\n".join([*lines, "poweroff -f"])


def run(command: tuple[str, ...]) -> list[float]:
    """Seconds of each program, as its words come out of the console."""
    begun: dict[str, float] = {}
    taken: dict[str, float] = {}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        started = time.perf_counter()
        for line in process.stdout:
            now = time.perf_counter()
            word, _, number = line.decode(errors="replace").strip().partition(":")
            if word.endswith("begin"):
                begun[number] = now
            elif word == "end":
                taken[number] = now - begun[number]
            if now - started > TIMEOUT_SECONDS:
                process.kill()
    if len(taken) != len(PROGRAMS):
        raise SystemExit(f"{command[0]}: only programs {sorted(taken)} came to an end")
    return [taken[str(n)] for n in range(len(PROGRAMS))]


def main(rounds: int) -> None:
    guest = fetch_linux(Silent())
    with TemporaryDirectory() as directory:
        initrd = Path(directory) / "initrd"
        initrd.write_bytes(guest.initramfs(script=script()))
        append = "console=hvc0 quiet"
        kernel = ("-kernel", str(guest.kernel), "-initrd", str(initrd), "-append", append)
        ours = (
            *(sys.executable, "-m", "pyphyp", "boot", "--kernel", str(guest.kernel)),
            *("--initrd", str(initrd), "--append", append),
        )
        theirs = (*QEMU, *POWER9, *VOF, *kernel)
        pairs = [(run(ours), run(theirs)) for _ in range(rounds)]
    print("programs in the guest (busybox, radix, counted clock); pyphyp / qemu")
    for n, name in enumerate(PROGRAMS):
        seconds = [(mine[n], other[n]) for mine, other in pairs]
        ratios = [mine / other for mine, other in seconds]
        print(
            f"  {name:28} {median(mine for mine, _ in seconds):6.2f}s /"
            f" {median(other for _, other in seconds):6.2f}s   ratio{spread('x', ratios)}",
            flush=True,
        )
