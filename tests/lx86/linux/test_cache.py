"""`pyphyp x86` keeps what it translated for later runs, which are the same but faster."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.lx86.linux.small_programs import BASE, DATA, ENTRY, call, write_program
from tests.lx86.linux.test_run import EXIT, HELLO, WRITE, x86
from tests.pyphyp.terminal import PATIENCE, PYPHYP

if TYPE_CHECKING:
    from pathlib import Path

EXECVE, CLOSE = 11, 6
FAR = BASE + 0x1000


def kept(stderr: str) -> tuple[int, int]:
    """How many blocks a run found, and how many it did not, by its `--stats`."""
    found = re.search(r"(\d+) blocks were kept by earlier runs, (\d+) were not", stderr)
    assert found, stderr
    return int(found[1]), int(found[2])


def test_a_second_run_finds_all_and_says_and_ends_the_same(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    cold, warm = (x86("--stats", str(program), cache=tmp_path / "k") for _ in range(2))
    assert (cold.returncode, cold.stdout) == (warm.returncode, warm.stdout) == (7, "hello\n")
    found, missing = kept(cold.stderr)
    assert (found, missing > 0) == (0, True)
    assert kept(warm.stderr) == (missing, 0)
    executed = [re.findall(r"(\d+) POWER instructions", run.stderr) for run in (cold, warm)]
    assert executed[0] == executed[1]


def test_a_run_without_it_keeps_and_finds_nothing(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    environment = os.environ | {"PYPHYP_CACHE": str(tmp_path / "cache")}
    done = x86("--stats", str(program), env=environment)
    assert (done.returncode, "kept" in done.stderr) == (7, False)
    assert not (tmp_path / "cache" / "x86-code").exists()


def test_it_is_in_the_users_cache_where_nothing_else_is_said(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    environment = os.environ | {"PYPHYP_CACHE": str(tmp_path / "cache")}
    for _ in range(2):
        done = subprocess.run(
            [*PYPHYP, "x86", "--stats", str(program)], env=environment, capture_output=True,
            text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (7, "hello\n")
    assert kept(done.stderr)[1] == 0
    assert (tmp_path / "cache" / "x86-code" / "segment-1").exists()


def test_a_program_that_changed_is_translated_again_where_it_did(tmp_path: Path) -> None:
    # The first page stays; it jumps to another one.
    first = b"\xe9" + (FAR - ENTRY - 5).to_bytes(4, "little")
    for status in (3, 4, 3):
        data = bytes(FAR - DATA) + call(EXIT, status)
        program = write_program(tmp_path / "changing", first, data)
        assert x86(str(program), cache=tmp_path / "k").returncode == status
    done = x86("--stats", str(program), cache=tmp_path / "k")
    assert (done.returncode, kept(done.stderr)[1]) == (3, 0)


def test_a_program_that_changes_its_code_does_so_with_kept_code(tmp_path: Path) -> None:
    # again: mov ebx, 5; inc byte of that; cmp ebx, 8; jb again; exit with ebx
    code = bytes.fromhex("bb05000000 fe05") + (ENTRY + 1).to_bytes(4, "little")
    code += bytes.fromhex("83fb08 72f0 b801000000 cd80")
    program = write_program(tmp_path / "changing", code)
    for _ in range(3):
        assert x86(str(program), cache=tmp_path / "k").returncode == 8


def test_a_program_begun_by_another_finds_what_it_finds_by_itself(tmp_path: Path) -> None:
    cache = tmp_path / "k"
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    assert x86(str(program), cache=cache).returncode == 7
    data = f"{program}\0".encode()
    other = write_program(tmp_path / "other", call(EXECVE, DATA, 0, 0) + call(EXIT, 1), data)
    done = x86("--stats", str(other), cache=cache, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (7, "hello\n")
    alone = x86("--stats", str(program), cache=cache)
    assert kept(done.stderr)[0] == kept(alone.stderr)[0] > 0


def test_counts_are_shown_though_the_program_closed_standard_error(tmp_path: Path) -> None:
    program = write_program(tmp_path / "closing", call(CLOSE, 2) + call(EXIT, 7))
    done = x86("--stats", str(program), cache=tmp_path / "k")
    assert done.returncode == 7
    assert "POWER instructions executed" in done.stderr
    assert kept(done.stderr)[1] > 0


def test_explained_blocks_are_translated_now(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    shown = [x86("--explain", str(program), cache=tmp_path / "k").stderr for _ in range(2)]
    assert shown[0] == shown[1]
    assert "int 0x80" in shown[0]
    assert not (tmp_path / "k").exists()


def test_the_command_shows_and_clears_it(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    blocks = kept(x86("--stats", str(program), cache=tmp_path / "k").stderr)[1]
    command = [*PYPHYP, "x86", "cache", "--cache", str(tmp_path / "k")]
    assert f": {blocks} blocks, " in subprocess.check_output(command, text=True)
    assert ": 0 blocks, " in subprocess.check_output([*command, "--clear"], text=True)
    assert kept(x86("--stats", str(program), cache=tmp_path / "k").stderr) == (0, blocks)


def test_a_directory_that_others_may_write_to_is_refused_with_the_reason(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    (tmp_path / "k").mkdir()
    (tmp_path / "k").chmod(0o777)
    done = x86(str(program), cache=tmp_path / "k")
    assert (done.returncode, done.stdout) == (127, "")
    assert "others may write" in done.stderr


def test_a_program_does_not_see_its_descriptors(tmp_path: Path) -> None:
    # Closing all of 3 to 1023 changes nothing for the run after that.
    loop = bytes.fromhex("bd03000000 b806000000 89eb cd80 45 81fd00040000 75ee")
    code = loop + call(WRITE, 1, DATA, 6) + call(EXIT, 7)
    program = write_program(tmp_path / "closing", code, b"hello\n")
    for _ in range(2):
        done = x86("--stats", str(program), cache=tmp_path / "k")
        assert (done.returncode, done.stdout) == (7, "hello\n")
    assert kept(done.stderr)[1] == 0


@pytest.mark.slow
def test_debians_programs_say_the_same_with_kept_code_which_two_at_once_share(
    tmp_path: Path, debian_root: Path
) -> None:
    command = [
        *PYPHYP, "x86", "--stats", "--cache", str(tmp_path / "k"), "--root", str(debian_root),
        "--clear-env", "/bin/bash", "-c",
        "echo a b | tr ab ba; ls /t/all.sh; exit 3",
    ]  # fmt: skip
    said = "b a\n/t/all.sh\n"

    def begin() -> subprocess.Popen[str]:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    for count in (2, 1, 2):
        for process in [begin() for _ in range(count)]:
            output, errors = process.communicate(timeout=5 * PATIENCE)
            assert (output, process.returncode) == (said, 3), errors
        found, missing = kept(errors)
    assert found > 10 * missing
