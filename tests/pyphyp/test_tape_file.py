"""Tape images in the SIMH format."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from hypervisor.scsi.backing import BackingError
from hypervisor.scsi.status import Condition
from hypervisor.scsi.tape import TapeDrive
from pyphyp.raw_file import MediaError
from pyphyp.tape_file import TapeFile
from pyphyp.tapes import warnings
from tests.hypervisor.scsi.units import condition

if TYPE_CHECKING:
    from pathlib import Path

MARK = bytes(4)


def block(data: bytes) -> bytes:
    """A block as the format has it, written out once more."""
    length = len(data).to_bytes(4, "little")
    return length + data + bytes(len(data) % 2) + length


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "backup.tap"
    path.touch()
    return path


def contents(tape: TapeFile) -> list[bytes]:
    return [tape.read(n, 1 << 20)[0] for n in range(len(tape))]


def test_blocks_and_filemarks_are_in_the_file_as_written(image: Path) -> None:
    tape = TapeFile(image)
    tape.write(0, [b"even", b"odd", b"", b"x"])
    assert image.read_bytes() == block(b"even") + block(b"odd") + MARK + block(b"x")
    assert (list(tape.filemarks), len(tape), tape.used) == ([2], 4, 38)
    tape.close()
    again = TapeFile(image, read_only=True)
    assert contents(again) == [b"even", b"odd", b"", b"x"]
    again.close()


def test_writing_takes_away_what_was_behind(image: Path) -> None:
    tape = TapeFile(image)
    tape.write(0, [b"a", b"", b"b", b""])
    tape.write(1, [b"new"])
    assert image.read_bytes() == block(b"a") + block(b"new")
    assert (list(tape.filemarks), len(tape)) == ([], 2)
    tape.erase(1)
    assert image.read_bytes() == block(b"a")


def test_gaps_are_passed_and_the_mark_of_the_end_ends_it(image: Path) -> None:
    gap, end = b"\xfe\xff\xff\xff", b"\xff" * 4
    image.write_bytes(gap + block(b"a") + gap * 3 + MARK + end + b"rubbish")
    tape = TapeFile(image)
    assert contents(tape) == [b"a", b""]
    assert not tape.damaged
    tape.write(2, [b"b"])
    assert image.read_bytes() == gap + block(b"a") + gap * 3 + MARK + block(b"b")


def test_a_block_marked_bad_cannot_be_read_but_passed(image: Path) -> None:
    bad = (4 | 8 << 28).to_bytes(4, "little")
    image.write_bytes(bad + b"half" + bad + block(b"good"))
    tape = TapeFile(image)
    with pytest.raises(BackingError):
        tape.read(0, 10)
    assert tape.read(1, 2) == (b"go", 4)


@pytest.mark.parametrize("left", [1, 3, 4, 7, 11, 15])
def test_an_image_that_was_cut_is_read_up_to_there(image: Path, left: int) -> None:
    whole = block(b"first")
    image.write_bytes(whole + block(b"second!!")[:left])
    tape = TapeFile(image)
    assert contents(tape) == [b"first"]
    assert tape.damaged
    tape.write(1, [b"mended"])
    assert not tape.damaged
    assert image.read_bytes() == whole + block(b"mended")


def test_what_is_no_image_is_refused(tmp_path: Path, image: Path) -> None:
    for content in (b"PK\3\4 something else entirely", b"\1", (1 << 28).to_bytes(4, "little")):
        image.write_bytes(content)
        with pytest.raises(MediaError, match="no tape image"):
            TapeFile(image)
    with pytest.raises(MediaError, match="makes a blank tape"):
        TapeFile(tmp_path / "missing.tap")
    with pytest.raises(MediaError, match="no file"):
        TapeFile(tmp_path, read_only=True)


@pytest.mark.parametrize("content", [b"PK\3\4 something else entirely", b"\7\0\0\0cut"])
def test_a_drive_answers_medium_errors_for_what_is_no_image_and_leaves_it_alone(
    image: Path, content: bytes
) -> None:
    image.write_bytes(content)
    drive = TapeDrive("DRIVE")
    drive.load(TapeFile(image, unreadable=True))
    try:
        for cdb, data in (
            ((0x08, 0, 0, 0, 9), b""),  # READ
            ((0x0A, 0, 0, 0, 4), b"text"),  # WRITE
            ((0x10, 0, 0, 0, 1), b""),  # WRITE FILEMARKS
            ((0x11, 3), b""),  # SPACE to the end of data
            ((0x19,), b""),  # ERASE
        ):
            found = condition(drive, *cdb, data=data)
            assert found in (Condition.READ_ERROR, Condition.WRITE_ERROR), cdb
        assert condition(drive, 0x01) is None  # REWIND
        (told,) = warnings([drive])
        assert str(image) in told
        assert "pyphyp tape load" in told
    finally:
        drive.unload()
    assert image.read_bytes() == content


def test_an_image_with_damage_behind_is_warned_of(image: Path) -> None:
    image.write_bytes(block(b"first") + MARK + b"\7\0\0\0cut")
    drive = TapeDrive("DRIVE")
    drive.load(TapeFile(image))
    (told,) = warnings([drive])
    assert told.startswith(f"{image} is damaged or cut behind its first 2 blocks")
    drive.unload()
    image.write_bytes(block(b"first") + MARK)
    drive.load(TapeFile(image))
    assert warnings([drive]) == []
    drive.unload()


def test_hostile_images_are_refused_or_read_up_to_the_damage(image: Path) -> None:
    rng = random.Random(7)
    for _ in range(500):
        content = bytearray(block(b"a" * 5) + MARK + block(b"b" * 600) + MARK + MARK)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(content))
            content[at] = rng.getrandbits(8)
        image.write_bytes(content[: rng.choice((len(content), rng.randrange(len(content))))])
        try:
            tape = TapeFile(image)
        except MediaError:
            continue
        for place in range(len(tape)):
            try:
                data, length = tape.read(place, 100)
                assert len(data) == min(length, 100)
            except BackingError:
                pass
        tape.write(len(tape), [b"more", b""])
        tape.close()
        again = TapeFile(image)
        assert again.read(len(again) - 2, 10) == (b"more", 4)
        again.close()


def test_a_full_tape_takes_nothing_of_what_does_not_fit(image: Path) -> None:
    tape = TapeFile(image, capacity=40)
    tape.write(0, [b"x" * 20])
    with pytest.raises(BackingError) as wrong:
        tape.write(1, [b"y", b"z" * 20])
    assert wrong.value.full
    assert image.read_bytes() == block(b"x" * 20)
    assert len(tape) == 1


def test_a_full_host_is_the_end_of_the_tape(image: Path) -> None:
    holder = (
        "import resource, signal, sys; from pathlib import Path; "
        "from pyphyp.tape_file import TapeFile; from hypervisor.scsi.backing import BackingError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "tape = TapeFile(Path(sys.argv[1])); tape.write(0, [b'a' * 3000])\n"
        "try: tape.write(1, [b'b' * 3000])\n"
        "except BackingError as wrong: print(wrong.full, len(tape))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", holder, image], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True 1\n"
    assert image.read_bytes() == block(b"a" * 3000)


def test_a_tape_in_use_is_refused(image: Path) -> None:
    tape = TapeFile(image)
    with pytest.raises(MediaError, match="in use"):
        TapeFile(image)
    tape.close()
    readers = [TapeFile(image, read_only=True) for _ in range(2)]
    assert len(readers[0]) == 0


def test_a_writer_that_is_killed_leaves_an_image_that_can_be_read(image: Path) -> None:
    writer = (
        "import sys; from pathlib import Path; from pyphyp.tape_file import TapeFile\n"
        "tape, n = TapeFile(Path(sys.argv[1])), 0\n"
        "while True:\n"
        "    tape.write(n, [n.to_bytes(4, 'big') * 5000] if n % 10 else [b'']); n += 1\n"
        "    if n == 50: print('going', flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", writer, image], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "going\n"
        time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    tape = TapeFile(image, read_only=True)
    assert len(tape) >= 50
    expected = [n.to_bytes(4, "big") * 5000 if n % 10 else b"" for n in range(len(tape))]
    assert contents(tape) == expected
