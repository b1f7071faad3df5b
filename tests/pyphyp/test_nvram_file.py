"""NVRAM that outlives a run, in a file that is whole at every moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from firmware.nvram import NVRAM_BYTES, formatted
from pyphyp import Machine, NvramFileError
from pyphyp.cli import main
from pyphyp.nvram_file import LEAST_SECONDS, NvramFile
from pyphyp.replacing import replacing
from tests.pyphyp.guests import program, rtas
from tests.pyphyp.terminal import PYPHYP

if TYPE_CHECKING:
    from pathlib import Path

OFFSET = 0x2000


class HandClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def store(machine: Machine, file: Path, text: bytes) -> None:
    """A guest writes `text` to its NVRAM."""
    partition = machine.add_partition(memory="16M", nvram=file)
    token = partition.composition.firmware.rtas.token("nvram-store")
    partition.load(program(rtas(token, OFFSET, 0x4000, len(text), returns=2) + "        b .\n"))
    partition.memory.write(0x4000, text)
    partition.run(instructions=1000)


def test_what_a_guest_stores_is_there_for_the_next_machine(tmp_path: Path) -> None:
    file = tmp_path / "nvram"
    with Machine(epoch=0) as machine:
        store(machine, file, b"remembered")
    assert file.read_bytes()[OFFSET : OFFSET + 10] == b"remembered"
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="16M", nvram=file)
        assert partition.composition.firmware.nvram.fetch(OFFSET, 10) == b"remembered"


def test_a_file_that_is_not_there_is_made_with_a_formatted_nvram(tmp_path: Path) -> None:
    NvramFile(tmp_path / "new")
    assert (tmp_path / "new").read_bytes() == formatted()


@pytest.mark.parametrize("size", [0, 1, NVRAM_BYTES - 1, NVRAM_BYTES + 1])
def test_a_file_of_another_size_is_refused_and_left_alone(tmp_path: Path, size: int) -> None:
    file = tmp_path / "precious"
    file.write_bytes(b"x" * size)
    with pytest.raises(NvramFileError, match=f"holds {size} bytes: an NVRAM has {NVRAM_BYTES}"):
        NvramFile(file)
    assert file.read_bytes() == b"x" * size


def test_what_is_no_ordinary_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo"):
        with pytest.raises(NvramFileError, match="no ordinary file"):
            NvramFile(path)
    with pytest.raises(NvramFileError, match="no directory"):
        NvramFile(tmp_path / "missing" / "nvram")


def test_a_running_guest_is_saved_at_most_once_a_second(tmp_path: Path) -> None:
    clock = HandClock()
    file = NvramFile(tmp_path / "nvram", clock=clock)
    for n in range(100):
        file.nvram.store(0, bytes((n,)))
        file.save(if_due=True)
    assert file.path.read_bytes() == formatted()
    clock.now += LEAST_SECONDS
    file.save(if_due=True)
    assert file.path.read_bytes()[0] == 99
    assert not file.changed


def test_nothing_is_written_where_nothing_was_stored(tmp_path: Path) -> None:
    file = NvramFile(tmp_path / "nvram")
    before = file.path.stat()
    file.nvram.fetch(0, 100)
    file.save()
    assert file.path.stat().st_ino == before.st_ino


def test_a_disk_that_is_full_is_reported_at_the_end_and_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock()
    file = NvramFile(tmp_path / "nvram", clock=clock)
    file.nvram.store(0, b"new")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    clock.now += LEAST_SECONDS
    file.save(if_due=True)
    with pytest.raises(NvramFileError, match=r"nvram: No space left on device"):
        file.save()
    assert file.path.read_bytes() == formatted()
    assert [path.name for path in tmp_path.iterdir()] == ["nvram"]
    monkeypatch.undo()
    file.save()
    assert file.path.read_bytes()[:3] == b"new"


def test_links_are_followed_and_permissions_kept(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    with replacing(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640


def test_a_process_killed_while_it_writes_leaves_a_whole_file(tmp_path: Path) -> None:
    writer = (
        "import sys, pathlib\n"
        "from pyphyp.nvram_file import NvramFile\n"
        "file = NvramFile(pathlib.Path(sys.argv[1]))\n"
        "n = 0\n"
        "while True:\n"
        "    n = (n + 1) % 256\n"
        "    file.nvram.store(0, bytes((n,)) * len(file.nvram))\n"
        "    file.save()\n"
    )
    path = tmp_path / "nvram"
    seen = set()
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", writer, str(path)])
        try:
            before = path.stat().st_ino if path.exists() else 0
            end = time.monotonic() + 30
            while (not path.exists() or path.stat().st_ino == before) and time.monotonic() < end:
                time.sleep(0.01)
            time.sleep(0.02)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        content = path.read_bytes()
        assert len(content) == NVRAM_BYTES
        assert content == formatted() or len(set(content)) == 1
        seen.add(content[0])
    assert seen


def test_the_command_refuses_a_wrong_file_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    done = subprocess.run(
        [*PYPHYP, "run", "hello", "--nvram", str(tmp_path / "letter.txt")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "letter.txt holds 4 bytes: an NVRAM has 65536" in done.stderr
    assert "Traceback" not in done.stderr


def test_variables_are_shown_and_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "system.nvram")
    assert main(["nvram", file, "boot-device=cdrom disk1 net", "boot-file=a=b"]) == 0
    assert main(["nvram", file]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert "auto-boot?=true" in shown
    assert "boot-device=cdrom disk1 net" in shown
    assert main(["nvram", file, "boot-file"]) == 0
    assert capsys.readouterr().out == "a=b\n"
    assert main(["nvram", file, "boot-device="]) == 0
    assert main(["nvram", file, "boot-device"]) == 1
    before = (tmp_path / "system.nvram").read_bytes()
    for wrong in ("x=" + "y" * 5000, "=y", "a b=c", "x=\n"):
        assert main(["nvram", file, wrong]) == 1
    assert (tmp_path / "system.nvram").read_bytes() == before
    assert NvramFile(tmp_path / "system.nvram").nvram.variables()["boot-file"] == "a=b"
