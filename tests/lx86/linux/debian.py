"""Debian's programs, translated and on this host's processor, in the same root.

    python -m tests.lx86.linux.debian [ARCHITECTURE] [PART]...

ARCHITECTURE is i386, or amd64.  Without PART all are run, which takes minutes; what differs is
printed.  `expected/` has what they said on a processor, for hosts that may not or cannot run them.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from guests.x86_root import ARCHITECTURES, I386, fetch_root
from tests.lx86.linux.test_run import x86

PACKAGES = (
    "busybox", "lua5.4", "bc", "make", "bzip2", "pigz", "pbzip2", "xz-utils", "zstd", "python3",
)  # fmt: skip
_HERE = Path(__file__).parent
_ENVIRONMENT = ("PATH=/usr/bin:/bin", "HOME=/root", "LC_ALL=C")
_NATIVE = """\
mount --bind /proc "$0/proc" || exit 250
exec env -i PATH=/usr/bin:/bin HOME=/root LC_ALL=C "$(command -v chroot)" "$@"
"""
_CANNOT = 250
_NUMBERS = re.compile(r"(?<=clobber\.)\d+|(?<=: ) *\d+(?= (User|Segm))")
"""Processes' numbers in what bash says, which it pads to five digits."""
_BASH = ("/bin/bash", "/t/all.sh")
QUICK = (
    "arithmetic", "arrays", "case", "coproc", "expansion", "functions", "getopts", "heredocs",
    "jobs", "loops", "options", "printf", "read", "recursion", "redirections", "signals",
)  # fmt: skip
"""Scripts that start few other programs."""
_OTHERS = (
    "files", "globs", "pipes", "regex", "sorting", "strings", "subshells", "time", "words",
)  # fmt: skip
PARTS = {
    "scripts": (*_BASH, *QUICK),
    "more": (*_BASH, *_OTHERS),
    "programs": ("/bin/bash", "/t/programs.sh"),
    "threads": ("/bin/bash", "/t/threads.sh"),
    "python": ("/usr/bin/python3", "/t/python.py"),
    "busybox": ("/bin/busybox", "sh", "/t/busybox.sh"),
}


class _Silent:
    def step(self, description: str, fraction: float | None) -> None:
        pass


@dataclass(frozen=True)
class Said:
    output: list[str]
    status: int


def make_root(into: Path, architecture: str = I386) -> Path:
    """A root with the packages and the scripts.  Raises `GuestFilesError`."""
    root = fetch_root(PACKAGES, _Silent(), architecture=architecture, into=into).path
    (root / "dev" / "fd").symlink_to("/proc/self/fd")
    (root / "dev" / "shm").mkdir()
    try:
        os.mknod(root / "dev" / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except OSError:
        (root / "dev" / "null").touch()
    shutil.copytree(_HERE / "scripts", root / "t")
    return root


def _said(done: subprocess.CompletedProcess[str]) -> Said:
    return Said(_NUMBERS.sub("N", done.stdout).splitlines(), done.returncode)


def translated(root: Path, part: str, kept: Path | None = None) -> Said:
    """`kept`: where translated code is kept."""
    settings = [text for setting in _ENVIRONMENT for text in ("--env", setting)]
    options = ["--root", str(root), "--clear-env", *settings, "-C", "/"]
    done = x86(
        *options, *PARTS[part], cache=kept, stdin=subprocess.DEVNULL, capture_output=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600,
    )  # fmt: skip
    return _said(done)


def native(root: Path, part: str) -> Said | None:
    """None if this host may not, or cannot, run these programs in another root."""
    command = ["unshare", "-m", "sh", "-c", _NATIVE, str(root), str(root), *PARTS[part]]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, timeout=100,
        )  # fmt: skip
    except OSError:
        return None
    return None if done.returncode in (1, 125, 126, _CANNOT) else _said(done)


def recorded(part: str) -> Said:
    lines = (_HERE / "expected" / part).read_text().splitlines()
    return Said(lines[:-1], int(lines[-1]))


def main(parts: list[str]) -> int:
    wrong, architecture = 0, parts.pop(0) if parts[:1] and parts[0] in ARCHITECTURES else I386
    with tempfile.TemporaryDirectory() as name:
        root = make_root(Path(name) / "root", architecture)
        for part in parts or PARTS:
            expected, found = native(root, part) or recorded(part), translated(root, part)
            wrong += found != expected
            lines = unified_diff(expected.output, found.output, "native", "translated", n=1)
            print(f"{part}: {len(expected.output)} lines", *lines, sep="\n", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
