"""What `pyphyp x86` shows those who study the translator."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.lx86 import small
from tests.lx86.linux.small_programs import DATA, ENTRY, call, write_program
from tests.lx86.linux.test_run import EXIT, HELLO, WRITE, x86

if TYPE_CHECKING:
    from pathlib import Path

# mov ecx, 5; again: dec ecx; jne again
LOOP = bytes.fromhex("b905000000 49 75fd") + call(WRITE, 1, DATA, 6) + call(EXIT, 7)
SOURCE = """
void again(int);
void _start(void) { again(300); asm("movl $1, %eax; movl $5, %ebx; int $0x80"); }
void again(int n) { volatile int left = n; while (left) left--; }
"""


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A program with symbols."""
    if not small.available():
        pytest.skip(f"{small.COMPILER} is not there")
    source, program = tmp_path / "named.c", tmp_path / "named"
    source.write_text(SOURCE)
    flags = ["-O1", "-fno-inline", "-static", "-nostdlib", "-fno-pie", "-no-pie"]
    subprocess.run([small.COMPILER, *flags, str(source), "-o", str(program)], check=True)
    return program


def test_the_hottest_code_is_told_with_exact_counts(tmp_path: Path) -> None:
    program = write_program(tmp_path / "loop", LOOP, b"hello\n")
    done, again = (x86("--hottest", "1", str(program)) for _ in range(2))
    assert (done.returncode, done.stdout) == (7, "hello\n")
    assert done.stderr == again.stderr
    title, columns, hottest = done.stderr.splitlines()
    assert title.startswith(f"{program}: 19 x86 instructions, ")
    assert columns.split() == ["executed", "x86", "POWER", "share", "for", "one", "from"]
    assert hottest.split() == [
        "4", "8", "28", hottest.split()[3], "3.50", f"{ENTRY + 5:#010x}", "loop+0x59"
    ]  # fmt: skip


def test_code_is_called_by_the_symbols_of_its_file(named: Path) -> None:
    done = x86("--hottest", "2", str(named))
    assert done.returncode == 5
    first, second = done.stderr.splitlines()[2:]
    assert " again+0x" in first
    assert second.endswith(" _start")


def test_only_blocks_with_code_at_a_place_are_explained(named: Path) -> None:
    shown = x86("--explain-at", "again", "--explain-passes", "none", str(named))
    assert shown.returncode == 5
    blocks = [line for line in shown.stderr.splitlines() if line.startswith("Block ")]
    assert blocks[0].startswith("Block 0x")
    everything = x86("--explain", "--explain-passes", "none", str(named)).stderr
    assert 0 < len(blocks) < everything.count("Block ")
    address = blocks[0].split()[1]
    assert x86("--explain-at", address, "--explain-passes", "none", str(named)).stderr
    missing = x86("--explain-at", "nowhere", str(named))
    assert missing.returncode == 5
    assert missing.stderr == "pyphyp: no code called nowhere was translated\n"


def test_passes_that_changed_a_block_are_shown_or_all(tmp_path: Path) -> None:
    program = write_program(tmp_path / "loop", LOOP, b"hello\n")
    place = ("--explain-at", hex(ENTRY), str(program))
    changed = x86(*place).stderr
    assert "  Without its passes: " in changed
    assert "  Pass wanted-flags: " in changed
    assert "  Pass string-blocks: " not in changed
    assert "Executed 1 times: " in changed
    assert "  Pass string-blocks: " in x86("--explain-passes", "all", *place).stderr
    assert "  Pass " not in x86("--explain-passes", "none", *place).stderr


def test_coverage_says_which_instructions_ran(tmp_path: Path) -> None:
    program = write_program(tmp_path / "loop", LOOP, b"hello\n")
    for name in ("ran.json", "ran.drcov"):
        assert x86("--coverage", str(tmp_path / name), str(program)).returncode == 7
    (found,) = json.loads((tmp_path / "ran.json").read_text())["programs"]
    assert found["program"] == str(program)
    (file,) = found["files"]
    assert file["path"] == str(program)
    ran = {address: (length, times) for address, length, times in file["instructions"]}
    assert ran[ENTRY] == (5, 1)
    assert ran[ENTRY + 5] == (1, 5)
    assert ran[ENTRY + 6] == (2, 5)
    assert sum(times for _, times in ran.values()) == 19
    assert b"BB Table: 11 bbs\n" in (tmp_path / "ran.drcov").read_bytes()


def test_figures_are_written_as_json_and_are_the_same_in_each_run(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    files = [tmp_path / name for name in ("one", "two")]
    for file in files:
        assert x86("--json", str(file), str(program)).returncode == 7
    assert files[0].read_text() == files[1].read_text()
    found = json.loads(files[0].read_text())
    assert found["calls"] == {"write": 1, "exit": 1}
    assert found["programs"][0]["x86"] == 8
    assert found["power_instructions"] >= found["programs"][0]["power"] > 0


def test_what_is_studied_is_translated_code_that_runs_alone(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    for option in (("--hottest", "3"), ("--coverage", str(tmp_path / "c")), ("--explain",)):
        for other in (("--compare",), ("--engine", "reference")):
            done = x86(*option, *other, str(program))
            assert done.returncode == 2
            assert "not with --engine reference or --compare" in done.stderr
