"""The command line: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from pyphyp.cli import main
from pyphyp.guest_list import sources, summary
from tests.pyphyp.guests import FOREVER, PRELUDE, START, put, rtas
from tests.pyphyp.terminal import PATIENCE, PYPHYP

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = (
    *("run", "boot", "linux", "list", "tree", "asm", "dis", "completion", "check", "schema"),
    *("up", "ps", "top", "schedule", "network", "console", "activate", "shutdown", "crash", "down"),
    *("change", "change-pool", "activation", "fail-core", "what-if", "x86"),
)
OS_TERM = (
    START + '        b begin\nmessage: .asciz "all is \\033[1mlost"\n        .balign 4\nbegin:\n'
)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PYPHYP, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=os.environ | environment,
    )


def source(directory: Path, body: str) -> str:
    file = directory / "guest.s"
    file.write_text(PRELUDE + body)
    return str(file)


# -- help ------------------------------------------------------------------------------------


def test_help_names_every_command() -> None:
    text = run("--help").stdout
    assert all(f"\n  {command} " in text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    text = run(command, "--help").stdout
    assert "Example" in text
    assert f"pyphyp {command}" in text


@pytest.mark.parametrize("command", ["run", "boot", "linux"])
def test_commands_that_run_a_guest_explain_their_exit_status(command: str) -> None:
    text = run(command, "--help").stdout
    assert "Exit status:" in text
    assert "the guest crashed" in text


def test_help_loads_no_engine() -> None:
    code = (
        "import sys, pyphyp.cli; pyphyp.cli.main(['--help']); "
        "print(sorted({'cffi', 'capstone', 'rich', 'emu.engine', 'lark'} & sys.modules.keys()))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.endswith("[]\n")


def test_version_names_pyphyp_and_unicorn() -> None:
    assert run("--version").stdout.startswith("pyphyp 0")
    assert "(unicorn 2.1.4)" in run("--version").stdout


# -- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rnu", "hello"), "Did you mean run?"),
        (("run",), "Missing argument 'GUEST'"),
        (("run", "hello", "--stat"), "--stats"),
        (("run", "hello", "--trace", "hcalls"), "nothing is called 'hcalls': hcall, rtas, of"),
        (("run", "hello", "--memory", "lots"), "512M or 1.5G, for example, would be"),
        (("run", "hello", "--epoch", "later"), "2026-01-31T12:00:00, for example, would be"),
        (("run", "hello", "--timeout", "-1"), "--timeout"),
        (("boot",), "give a --kernel, or --disk"),
        (("boot", "--kernel", "/no/such/file"), "does not exist"),
        (("completion", "tcsh"), "'bash', 'zsh', 'fish'"),
    ],
)
def test_usage_errors_say_what_would_be_right(arguments: tuple[str, ...], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize(
    ("guest", "words"),
    [("helo", "did you mean hello?"), ("linux", "pyphyp linux"), ("xyzzy", "there are hcalls")],
)
def test_unknown_guest_is_refused_with_a_suggestion(guest: str, words: str) -> None:
    done = run("run", guest)
    assert done.returncode == 1
    assert words in done.stderr


def test_kernel_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "kernel"
    file.write_bytes(b"MZ")
    done = run("boot", "--kernel", str(file))
    assert done.returncode == 1
    assert "ELF" in done.stderr
    assert "Traceback" not in done.stderr


def test_source_with_mistakes_is_refused_with_line_and_column(tmp_path: Path) -> None:
    done = run("run", source(tmp_path, START + "        lii r3,1\n"))
    assert done.returncode == 1
    assert "guest.s:" in done.stderr
    assert "lii" in done.stderr


def test_trace_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    done = run("run", "hello", "--trace-file", str(tmp_path / "no" / "where"))
    assert done.returncode == 1
    assert "No such file" in done.stderr


# -- how runs end ----------------------------------------------------------------------------


def test_toy_kernel_ends_with_status_0_and_prints_nothing_else() -> None:
    done = run("run", "hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello from a POWER partition.\n", "")


@pytest.mark.parametrize("order", [(), ("--little",)], ids=["big-endian", "little-endian"])
def test_toy_own_source_and_its_elf_run_alike(tmp_path: Path, order: tuple[str, ...]) -> None:
    """The ELF file is entered in its own order: it has nothing to change."""
    for file in files("guests").joinpath("bare").iterdir():
        if file.name.endswith(".inc") or file.name == "hello.s":
            (tmp_path / file.name).write_text(file.read_text())
    toy, elf = tmp_path / "hello.s", tmp_path / "hello.elf"
    assert run("asm", str(toy), *order, "-o", str(elf)).returncode == 0
    for guest in (("hello", *order), (str(toy), *order), (str(elf),)):
        assert run("run", *guest).stdout == "Hello from a POWER partition.\n"


def test_timeout_in_guest_time_ends_with_status_4(tmp_path: Path) -> None:
    done = run("run", source(tmp_path, START + FOREVER), "--timeout", "0.05")
    assert done.returncode == 4
    assert "its time is used up after 0.050 s of guest time" in done.stderr


def test_crash_ends_with_status_3_and_shows_the_registers(tmp_path: Path) -> None:
    os_term = _token("ibm,os-term")
    body = OS_TERM + "        li r14,0x77\n" + rtas(os_term, 0x1004) + FOREVER
    done = run("run", source(tmp_path, body))
    assert done.returncode == 3
    assert "crash: all is \\x1b[1mlost" in done.stderr
    assert "r14 0000000000000077" in done.stderr
    assert "=> " in done.stderr


def test_reboot_ends_the_run_where_it_must_not_happen(tmp_path: Path) -> None:
    body = START + put("up\n") + rtas(_token("system-reboot")) + FOREVER
    done = run("run", source(tmp_path, body), "--no-reboot", "-v")
    assert done.returncode == 0
    assert done.stdout == "up\n"
    assert "partition1: reboot after" in done.stderr


def _token(name: str) -> int:
    from firmware import services
    from firmware.rtas import RtasTable

    return RtasTable(lambda: services.ALL).token(name)


def test_stats_file_of_equal_runs_is_equal(tmp_path: Path) -> None:
    texts = []
    for n in range(2):
        file = tmp_path / f"stats{n}.json"
        run("run", "ticks", "--epoch", "0", "--stats-file", str(file))
        texts.append(file.read_text())
    assert texts[0] == texts[1]
    assert json.loads(texts[0])["hcalls"]["H_PUT_TERM_CHAR"] == 5


def test_stats_are_printed_on_standard_error() -> None:
    done = run("run", "hello", "--stats")
    assert done.stdout == "Hello from a POWER partition.\n"
    assert "H_PUT_TERM_CHAR" in done.stderr


def test_trace_goes_to_standard_error_or_to_its_file(tmp_path: Path) -> None:
    done = run("run", "hello", "--trace", "hcall")
    assert 'H_PUT_TERM_CHAR(unit=0x0, length=16, "Hello from a POW") = H_SUCCESS' in done.stderr
    file = tmp_path / "trace.json"
    done = run("run", "hello", "--trace-file", str(file))
    assert done.stderr == ""
    kinds = {json.loads(line)["kind"] for line in file.read_text().splitlines()}
    assert kinds == {"hcall", "of"}


def test_epoch_may_be_a_date() -> None:
    done = run("run", "hello", "--epoch", "2026-01-31T12:00:00")
    assert done.returncode == 0


def test_colours_stay_away_from_pipes() -> None:
    assert "\x1b" not in run("run", "ticks", "--stats", "--timeout", "1").stderr
    assert "\x1b" not in run("nonsense").stderr


# -- the other commands ----------------------------------------------------------------------


def test_list_shows_each_toy_kernel_with_its_line_of_prose() -> None:
    text = run("list").stdout
    for name, file in sources().items():
        assert f"pyphyp run {name} " in text
        assert summary(file) in text
    assert "pyphyp linux" in text


def test_the_processors_are_offered_up_to_the_mode_that_is_named() -> None:
    assert "PowerPC,POWER9@0" in run("tree").stdout
    text = run("tree", "--cpu-mode", "power8").stdout
    assert "PowerPC,POWER8@0" in text
    assert "radix-AP-encodings" not in text
    refused = run("tree", "--cpu-mode", "power6")
    assert refused.returncode == 2
    assert "'power7', 'power8', 'power9', 'power10'" in refused.stderr


def test_tree_prints_source_and_writes_the_blob(tmp_path: Path) -> None:
    text = run("tree", "--memory", "512M").stdout
    assert text.startswith("/dts-v1/;")
    assert "vty@30000000" in text
    blob = tmp_path / "tree.dtb"
    assert run("tree", "--dtb", str(blob)).returncode == 0
    assert blob.read_bytes()[:4] == bytes.fromhex("d00dfeed")


def test_asm_and_dis_are_each_others_opposite(tmp_path: Path) -> None:
    file = source(tmp_path, START + "        li r3,7\n        blr\n")
    assert "38600007" in run("asm", file).stdout
    for name, options in (("a.elf", ()), ("a.bin", ("--address", "0x1000"))):
        output = tmp_path / name
        assert run("asm", file, "-o", str(output)).returncode == 0
        assert "li         r3, 7" in run("dis", str(output), *options).stdout


def test_little_endian_words_are_turned(tmp_path: Path) -> None:
    file, output = source(tmp_path, START + "        li r3,7\n"), tmp_path / "a.bin"
    run("asm", file, "--little", "-o", str(output))
    assert output.read_bytes()[-4:] == bytes.fromhex("07006038")
    assert "li         r3, 7" in run("dis", str(output), "--little").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_printed(shell: str) -> None:
    assert "_PYPHYP_COMPLETE" in run("completion", shell).stdout


def test_completion_knows_the_toy_kernels() -> None:
    done = run(_PYPHYP_COMPLETE="bash_complete", COMP_WORDS="pyphyp run ti", COMP_CWORD="2")
    assert "plain,ticks" in done.stdout


def test_options_of_x86_runs_are_completed_and_complained_of_as_typed() -> None:
    done = run(_PYPHYP_COMPLETE="bash_complete", COMP_WORDS="pyphyp x86 --exp", COMP_CWORD="2")
    assert "plain,--explain-passes" in done.stdout.split()
    assert run("x86", "--cpu", "none", "ls").stderr.startswith(
        "Usage: pyphyp x86 [OPTIONS] PROGRAM"
    )


def test_output_nobody_reads_is_no_error_to_complain_about() -> None:
    command = [*PYPHYP, "tree"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(PATIENCE) == 141
        assert process.stderr.read() == b""


def test_main_gives_the_exit_status(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert main(["run", "no-such-guest"]) == 1
    assert main(["run"]) == 2


def test_help_loads_nothing_that_takes_time() -> None:
    heavy = ("emu.engine", "emu.assembler", "firmware.boot", "lark", "capstone", "rich", "elftools")
    code = "import sys; from pyphyp.cli import main; main(['--help']); print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    loaded = set(shown.stdout.splitlines()[-1].split())
    assert "pyphyp.cli" in loaded
    assert not loaded.intersection(heavy)
