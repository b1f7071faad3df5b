"""Programs run by the command, from their first instruction to their end."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from lx86.options import PASSES
from tests.lx86.linux.small_programs import DATA, EXIT_WITH_EAX, call, elf, write_program
from tests.pyphyp.terminal import PATIENCE, PYPHYP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORK, READ = 2, 3
WRITE, EXIT, GETPID, KILL, FCNTL, TKILL, TGKILL = 4, 1, 20, 37, 55, 238, 270
HELLO = call(WRITE, 1, DATA, 6) + call(EXIT, 7)


def x86(
    *arguments: str, cache: Path | None = None, **more: object
) -> subprocess.CompletedProcess[str]:
    """`pyphyp x86` with these arguments; translated code is kept in `cache`, or not at all."""
    kept = ["--cache", str(cache)] if cache else ["--no-cache"]
    options = {"capture_output": True, "text": True, "timeout": PATIENCE, "check": False}
    return subprocess.run([*PYPHYP, "x86", *kept, *arguments], **(options | more))  # type: ignore[call-overload,no-any-return]


def x86_by_shell(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", text, *arguments, *PYPHYP, "x86"]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_a_program_says_something_and_ends_with_its_status(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    done = x86(str(program))
    assert (done.returncode, done.stdout, done.stderr) == (7, "hello\n", "")


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("0f0b", signal.SIGILL),
        ("31c9f7f1", signal.SIGFPE),
        ("cc", signal.SIGTRAP),
        ("f4", signal.SIGSEGV),
        ("a100000000", signal.SIGSEGV),
    ],
)
def test_a_program_dies_of_the_signal_its_instruction_has(
    tmp_path: Path, code: str, number: int
) -> None:
    program = write_program(tmp_path / "dies", bytes.fromhex(code))
    assert x86(str(program)).returncode == -number


def test_a_program_that_kills_itself_dies_of_that_signal(tmp_path: Path) -> None:
    code = call(GETPID) + bytes.fromhex("89c3 b825000000 b90f000000 cd80") + call(EXIT, 1)
    program = write_program(tmp_path / "dies", code)
    assert x86(str(program)).returncode == -signal.SIGTERM


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def test_a_program_sends_no_signal_to_a_process_of_nobody_of_its_run(
    tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    status = bytes.fromhex("f7d8") + EXIT_WITH_EAX
    everybody = 0xFFFF_FFFF
    for calls, error in (
        ((KILL, bystander.pid, 9), errno.EPERM),
        ((TKILL, bystander.pid, 9), errno.EPERM),
        ((TGKILL, bystander.pid, bystander.pid, 9), errno.EPERM),
        ((FCNTL, 1, fcntl.F_SETOWN, bystander.pid), errno.EPERM),
        ((KILL, everybody, 9), errno.ESRCH),
        ((KILL, -bystander.pid, 9), errno.ESRCH),
    ):
        program = write_program(tmp_path / "kills", call(*calls) + status)
        assert x86(str(program)).returncode == error
    assert bystander.poll() is None


def test_an_unknown_call_answers_enosys_and_is_counted(tmp_path: Path) -> None:
    code = call(499, 1, 2) + bytes.fromhex("f7d8") + EXIT_WITH_EAX
    program = write_program(tmp_path / "unknown", code)
    done = x86("--stats", str(program))
    assert done.returncode == 38
    assert "syscall_499: not there (ENOSYS)" in done.stderr


def test_strace_writes_a_line_for_each_call(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    done = x86("--strace", str(program))
    assert done.stderr == 'write(1, "hello\\n", 6) = 6\nexit(7) = ?\n'


def test_strace_goes_on_when_the_program_closes_every_descriptor(tmp_path: Path) -> None:
    closing = b"".join(call(6, n) for n in range(6))
    program = write_program(tmp_path / "closes", closing + call(EXIT, 3))
    file = tmp_path / "trace"
    done = x86("--strace-to", str(file), str(program))
    assert done.returncode == 3
    assert file.read_text().splitlines() == [
        "close(0) = 0",
        "close(1) = 0",
        "close(2) = 0",
        *(f"close({n}) = -1 EBADF (Bad file descriptor)" for n in (3, 4, 5)),
        "exit(3) = ?",
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x7fELF\x02\x01\x01" + bytes(50), "not a program for i386 or x86-64"),
        (b"no program at all", "not an ELF file"),
        (elf(b"", machine=20), "not a program for i386 or x86-64"),
        (elf(b"")[:60], "program headers are cut off"),
        (elf(b"", kind=4), "not an executable file"),
    ],
)
def test_what_is_no_program_is_refused_with_its_reason(
    tmp_path: Path, content: bytes, says: str
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    file.chmod(0o755)
    done = x86(str(file))
    assert done.returncode == 127
    assert says in done.stderr


def test_a_program_that_is_not_there_is_named_with_where_it_was_looked_for(tmp_path: Path) -> None:
    done = x86("--root", str(tmp_path), "--env", "PATH=/bin", "nothing")
    assert (done.returncode, done.stdout) == (127, "")
    assert "no program nothing in /bin" in done.stderr


def test_directories_pipes_and_unknown_options_are_no_programs(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o755)
    for name, status, says in (
        (".", 127, ". is a directory"),
        ("./pipe", 127, "./pipe is no regular file"),
        ("--nothing", 2, "No such option"),
    ):
        done = x86(name, "argument", cwd=tmp_path)
        assert (done.returncode, says in done.stderr) == (status, True), done.stderr


def test_a_program_runs_with_streams_closed_as_it_would_by_itself(tmp_path: Path) -> None:
    tells = call(WRITE, 1, DATA, 6) + call(WRITE, 2, DATA, 6) + EXIT_WITH_EAX
    program = write_program(tmp_path / "tells", tells, b"hello\n")
    for closing, status, out, err in (
        (">&-", 6, "", "hello\n"),
        ("2>&-", 256 - errno.EBADF, "hello\n", ""),
        ("<&- >&- 2>&-", 256 - errno.EBADF, "", ""),
    ):
        done = x86_by_shell(f'"$@" --no-cache "$0" {closing}', str(program))
        assert (done.returncode, done.stdout, done.stderr) == (status, out, err)


def test_who_has_no_root_is_told_how_to_make_one(tmp_path: Path) -> None:
    done = x86("ls", env={**os.environ, "PYPHYP_CACHE": str(tmp_path)})
    assert done.returncode == 127
    assert "`pyphyp x86 fetch` makes one" in done.stderr


def test_a_program_does_not_run_if_what_is_asked_for_cannot_be_written(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    (kept := tmp_path / "kept").write_text("of the last run")
    assert x86("--json", str(kept), str(tmp_path / "nothing")).returncode == 127
    assert kept.read_text() == "of the last run"
    for option in ("--coverage", "--json", "--strace-to", "--explain-to"):
        done = x86(option, str(tmp_path / "no" / "file"), str(program))
        assert (done.returncode, done.stdout) == (1, "")
        assert "No such file or directory" in done.stderr


def test_a_file_that_may_not_be_executed_is_refused(tmp_path: Path) -> None:
    program = write_program(tmp_path / "plain", HELLO)
    program.chmod(0o644)
    assert "chmod +x" in x86(str(program)).stderr


def test_translated_blocks_are_explained_and_counted(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    done = x86("--explain", "--stats", str(program))
    assert (done.returncode, done.stdout) == (7, "hello\n")
    assert "  int 0x80\n" in done.stderr
    assert "    ; system call\n" in done.stderr
    assert "blocks made in" in done.stderr
    assert "POWER instructions executed" in done.stderr


def test_explanations_go_to_a_file_and_need_the_translator(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    told = tmp_path / "told"
    assert x86("--explain-to", str(told), str(program)).stderr == ""
    assert told.read_text(encoding="utf-8").startswith("Block 0x")
    done = x86("--explain", "--engine", "reference", str(program))
    assert done.returncode == 2
    assert "not with --engine reference" in done.stderr


def test_translated_code_is_compared_and_that_needs_the_translator(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    done = x86("--compare", "--stats", str(program))
    assert (done.returncode, done.stdout) == (7, "hello\n")
    assert "8 x86 instructions compared, at 4 places" in done.stderr
    assert x86("--compare", "--engine", "reference", str(program)).returncode == 2


@pytest.mark.parametrize("name", PASSES)
def test_each_pass_can_be_left_out_of_a_programs_translation(tmp_path: Path, name: str) -> None:
    program = write_program(tmp_path / "hello", HELLO, b"hello\n")
    done = x86("--without", name, str(program))
    assert (done.returncode, done.stdout, done.stderr) == (7, "hello\n", "")


def test_a_run_leaves_no_files_behind_whatever_ends_it(tmp_path: Path) -> None:
    """Its first process is killed; what it has stays until the child ends that it forked."""
    code = call(FORK) + call(WRITE, 1, DATA, 1) + call(READ, 0, DATA, 1) + call(EXIT, 0)
    program = write_program(tmp_path / "forks", code, b".")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with subprocess.Popen(
        [*PYPHYP, "x86", "--no-cache", str(program)], env=os.environ | {"TMPDIR": str(temporary)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.read(2) == b".."
        process.kill()
        process.wait()
        time.sleep(0.2)
        assert len(list(temporary.iterdir())) == 1
        process.stdin.close()
        deadline = time.monotonic() + PATIENCE
        while list(temporary.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert list(temporary.iterdir()) == []
