"""Debian's unmodified kernel in each processor compatibility mode."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.pyphyp.linux_command import linux

pytestmark = pytest.mark.linux

COMPILER = "powerpc64le-linux-gnu-gcc"
EMULATOR = "qemu-ppc64le"
# Linux's driver of the coprocessors says so wherever it finds hashed page tables.
COMPLAINTS_WITH_HASH = ["<3> vas: API is supported only with radix page tables"]


def run(mode: str, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return linux("--cpu-mode", mode, "-c", command, *arguments)


@pytest.mark.parametrize("processors", [1, 4])
@pytest.mark.parametrize(("mode", "mmu"), [("power8", "Hash"), ("power9", "Radix")])
def test_linux_boots_in_a_mode_to_a_shell(mode: str, mmu: str, processors: int) -> None:
    command = "cat /proc/cpuinfo; dmesg -r | grep '^<[0-4]>'; echo finished"
    done = run(mode, command, "--processors", str(processors))
    assert done.returncode == 0, done.stderr
    assert "finished" in done.stdout
    assert len(re.findall(rf"{mode.upper()} \(architected\)", done.stdout)) == processors
    assert re.search(rf"MMU\s*: {mmu}", done.stdout)
    complaints = [
        re.sub(r"\[ *[\d.]+\] ", " ", line)
        for line in re.findall(r"^<[0-4]>.*", done.stdout, re.MULTILINE)
    ]
    assert complaints == (COMPLAINTS_WITH_HASH if mmu == "Hash" else [])


def test_linux_shoots_down_radix_translations_by_hypercalls() -> None:
    command = "for i in 1 2 3 4; do (ls -R /proc/self | md5sum) & done; wait; dmesg -r"
    options = ("--processors", "4", "--stats", "--append", "radix_hcall_invalidate=on")
    done = run("power9", command, *options)
    assert done.returncode == 0, done.stderr
    assert "Using radix MMU" in done.stdout
    complaints = re.findall(r"^<[0-4]>.*", done.stdout, re.MULTILINE)
    assert [line for line in complaints if "Unknown kernel command line" not in line] == []
    assert re.search(r"H_RPT_INVALIDATE +[\d,]{6,}", done.stdout + done.stderr)


def test_a_program_for_power8_is_illegal_in_power7_mode() -> None:
    done = run("power7", "true", "--no-reboot", "--append", "loglevel=8")
    assert done.returncode == 3
    assert "POWER7 (architected)" in done.stdout
    assert re.search(r"init\[1\]: illegal instruction .*busybox", done.stdout)


@pytest.mark.parametrize("mode", ["power8", "power9", "power10"])
def test_linux_watches_storage_and_steps_programs_by_the_debug_registers(
    mode: str, tmp_path: Path
) -> None:
    source = Path(__file__).parent / "watched.c"
    program = tmp_path / "watched"
    subprocess.run([COMPILER, "-O1", "-static", "-o", str(program), str(source)], check=True)
    done = run(mode, "/watched", "--initrd-add", str(tmp_path))
    if mode == "power9":  # where Linux trusts no watchpoint: POWER9 had a fault
        assert "stores cannot be watched" in done.stdout
    else:
        assert "stores: 10\n" in done.stdout
        assert "accesses: 20\n" in done.stdout
    assert "over 500 steps, exit 42" in done.stdout


@pytest.mark.skipif(not shutil.which(EMULATOR), reason="no qemu-user on this host")
def test_programs_compiled_for_power10_say_what_they_say_under_qemu(tmp_path: Path) -> None:
    source = Path(__file__).parent / "power10.c"
    programs = [tmp_path / f"level{level}" for level in (2, 3)]
    for program in programs:
        optimize = f"-O{program.name[-1]}"
        command = [COMPILER, optimize, "-mcpu=power10", "-static", "-o", str(program), str(source)]
        subprocess.run([*command, "-lm"], check=True)
    theirs = [
        subprocess.run(
            [EMULATOR, "-cpu", "power10", str(program)], stdout=-1, text=True, check=True
        )
        for program in programs
    ]
    command = "; ".join(f"echo @@; /{program.name}" for program in programs)
    done = run("power10", f"{command}; echo @@", "--initrd-add", str(tmp_path))
    said = done.stdout.replace("\r", "").split("@@\n")[1:-1]
    assert said == [their.stdout for their in theirs]
    assert all("ISA 3.1: 1\n" in text for text in said)
