"""Programs of random bytes, system calls with wild arguments, and ways out: they end, no more."""

from __future__ import annotations

import os
import random
import subprocess
from typing import TYPE_CHECKING

import pytest

from pyphyp.commands.status import Status
from tests.lx86.linux.compiled import compiled, for_each_architecture
from tests.lx86.linux.small_programs import DATA, call, write_program
from tests.lx86.linux.test_run import x86

if TYPE_CHECKING:
    from pathlib import Path

_WILD = (0, 1, 4, 0xFFFF_FFFF, 0x8000_0000, 0xBFFF_FFFC, 0xC000_0000, 0x0804_8000, DATA, 0x1000)
_WAIT_OR_END = {1, 2, 7, 29, 72, 114, 120, 142, 168, 177, 179, 190, 252, 256, 284, 308, 309, 435}
"""Calls that end the program, wait for ever or fork."""
_SEND_SIGNALS = {37, 178, 238, 270, 335}
_EXIT = 1
_DONE = 42
_REFUSALS = {"ENOSYS", "EPERM"}


def _ended_orderly(tmp_path: Path, code: bytes) -> None:
    root = tmp_path / "root"
    root.mkdir()
    write_program(root / "program", code, bytes(range(256)))
    done = x86("--root", str(root), "--clear-env", "/program", text=False)
    assert done.returncode != Status.CRASH
    assert b"Traceback" not in done.stderr
    assert b"pyphyp:" not in done.stderr


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_as_code_end_a_program_and_no_more(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    alarm = call(27, 5)  # a loop ends, too
    _ended_orderly(tmp_path, alarm + chance.randbytes(1500))


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 13])
def test_system_calls_with_wild_arguments_are_answered(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    numbers = sorted({*range(1, 450)} - _WAIT_OR_END - _SEND_SIGNALS)
    code = call(27, 20)
    while len(code) < 1800:
        code += call(chance.choice(numbers), *(chance.choice(_WILD) for _ in range(6)))
    code += call(_EXIT, 9)
    _ended_orderly(tmp_path, code)


@for_each_architecture
def test_nothing_leads_out_of_the_root(tmp_path: Path, architecture: str) -> None:
    root, secret = tmp_path / "root", tmp_path / "outside" / "secret"
    (root / "work").mkdir(parents=True)
    secret.parent.mkdir()
    secret.write_text("secret\n")
    compiled(architecture, "escapes", root / "escapes")
    with secret.open() as file, subprocess.Popen(["sleep", "600"], stdin=file) as holder:
        words = (str(secret), str(holder.pid))
        done = x86("--root", str(root), "-C", "/work", "/escapes", *words)
        alive = holder.poll() is None
        holder.kill()
    assert (done.returncode, done.stderr, alive) == (_DONE, "", True)
    answers = [line.split() for line in done.stdout.splitlines()]
    assert {answer for what, answer in answers if what in ("reads", "openat")} == {"nothing"}
    refused = {what: answer for what, answer in answers if what not in ("reads", "openat")}
    assert set(refused.values()) == _REFUSALS
    assert len(refused) >= 30
    assert refused["openat2"] == refused["io_uring_setup"] == refused["bpf"] == "ENOSYS"
    assert os.listdir(secret.parent) == ["secret"]


@for_each_architecture
def test_ten_thousand_wild_calls_touch_nothing_outside(tmp_path: Path, architecture: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "work" / "below").mkdir(parents=True)
    outside.mkdir(mode=0o755)
    (outside / "secret").write_text("secret\n")
    (root / "work" / "out").symlink_to(outside)
    (root / "work" / "link").symlink_to(f"../../../../../../../..{outside}/secret")
    compiled(architecture, "wild", root / "wild")
    before = _what_is_known(outside)
    done = x86("--root", str(root), "-C", "/work", "/wild", "10000", "7")
    assert (done.returncode, done.stderr) == (_DONE, "")
    assert _what_is_known(outside) == before


@for_each_architecture
def test_what_is_too_much_and_what_there_is_not_is_refused(
    tmp_path: Path, architecture: str
) -> None:
    (root := tmp_path / "root").mkdir()
    compiled(architecture, "too_much", root / "too_much")
    done = x86("--root", str(root), "-C", "/", "/too_much")
    assert (done.returncode, done.stderr) == (_DONE, "")
    names = {"fd/abc": "ENOENT", "fd/-1": "ENOENT", "fd/1/x": "ENOTDIR"}
    names |= {"fd/" + "9" * 20: "ENOENT", "fdinfo/x": "ENOENT", "task/x/stat": "ENOENT"}
    expected = [f"{name}: {answer}" for name, answer in names.items() for _ in range(2)]
    expected += ["datagram sendto: EMSGSIZE", "datagram sendmsg: EMSGSIZE"]
    expected += ["stream sendto: done", "stream sendmsg: done", "ftruncate: done"]
    expected += ["sparse 0herethere", "mremap: EFAULT"]
    if architecture == "i386":
        expected += ["6 mprotect: ENOMEM", "munmap within: ENOMEM", "mmap: ENOMEM"]
        expected += ["munmap: done", "mmap: done"]
    assert done.stdout.splitlines() == expected


def _what_is_known(directory: Path) -> list[tuple[object, ...]]:
    """All but the time of the last access, of a directory and what is in it."""
    found = [directory, *sorted(directory.iterdir())]
    known = [(path, path.stat()) for path in found]
    return [
        (path, s.st_mode, s.st_uid, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for path, s in known
    ]
