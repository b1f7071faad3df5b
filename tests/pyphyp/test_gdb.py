"""gdb-multiarch debugs partitions: toy kernels in both byte orders, crashes, processors, Linux."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emu.assembler import assemble
from emu.bits import ByteOrder
from emu.elf_writer import write_elf
from guests.linux import fetch_linux
from hypervisor.partition import Ending
from pyphyp import Machine
from tests.guests.test_packages import Silent

from .gdb import debug, needs_gdb
from .guests import FOREVER, program, rtas
from .test_api import token
from .test_cli import PYPHYP, run

if TYPE_CHECKING:
    from emu.program import Program
    from pyphyp import Partition

pytestmark = needs_gdb
SOURCE = Path(__file__).with_name("debugged.s")
ORDERS = pytest.mark.parametrize("order", list(ByteOrder))


def guest(order: ByteOrder) -> Program:
    return assemble(SOURCE.read_text(), name=SOURCE.name, byte_order=order)


def load(machine: Machine, program: Program, directory: Path) -> tuple[Partition, Path]:
    """The guest as an ELF file, loaded, and the file for gdb."""
    file = directory / "guest.elf"
    file.write_bytes(write_elf(program))
    partition = machine.add_partition(memory="16M")
    partition.load(file.read_bytes())
    return partition, file


@ORDERS
def test_gdb_breaks_steps_watches_and_looks(
    machine: Machine, tmp_path: Path, order: ByteOrder
) -> None:
    partition, file = load(machine, guest(order), tmp_path)
    said, outcome = debug(
        partition,
        "break twice",
        "continue",
        "backtrace",
        "stepi",
        'printf "r3 is %d\\n", $r3',
        "watch *(int*)&counter",
        "continue",
        'printf "counter is %d\\n", *(int*)&counter',
        "p $vr2.v4_int32",
        "p/x $vs2.uint128",
        "p/x $pvr",
        "set var $tar = 0x1234",
        'printf "tar %x vscr %x dscr %x\n", $tar, $vscr, $dscr',
        "delete",
        "set var *(int*)&counter=7",
        "x/2xw &counter",
        "set var $r3 = 0x123456789a",
        "p/x $r3",
        "monitor memory 0x1000 4",
        "continue",
        program=file,
    )
    assert outcome is not None, said
    assert outcome.ending is Ending.EXIT, said
    assert re.search(r"Breakpoint 1, 0x0*[0-9a-f]+ in twice \(\)", said)
    assert re.search(r"#1 .* in work \(\)\n#2 .* in _start \(\)", said)
    assert "r3 is 42\n" in said
    assert re.search(r"tar 1234 vscr \w+ dscr 0\n", said)
    assert re.search(r"Old value = 41\nNew value = 42\n.* in stored \(\)", said)
    assert "counter is 42\n" in said
    assert "= {3, 3, 3, 3}" in said
    assert "= 0x1ffc00000000000000015\n" in said
    assert f"= {partition.registers.spr('pvr'):#x}\n" in said
    assert "0x00000007" in said
    assert "= 0x123456789a\n" in said
    assert "exited normally" in said
    assert partition.console.output == "done\n"


def test_a_debugged_run_counts_as_any_other(tmp_path: Path) -> None:
    def counts(*commands: str) -> dict[str, object]:
        with Machine(epoch=0) as machine:
            partition, file = load(machine, guest(ByteOrder.BIG), tmp_path)
            if commands:
                debug(partition, *commands, program=file)
            else:
                partition.run()
            exact = dict(partition.stats().exact())
            del exact["tlb_fills"]  # a watchpoint keeps its page out of the TLB
            return exact

    assert counts("break twice", "continue", "stepi 3", "watch counter", "continue") == counts()


@ORDERS
def test_a_step_goes_over_a_hypercall(machine: Machine, tmp_path: Path, order: ByteOrder) -> None:
    partition, file = load(machine, guest(order), tmp_path)
    said, _ = debug(
        partition,
        "break finish",
        "continue",
        "tbreak *calls",
        "continue",
        "x/i $pc",
        "stepi",
        'printf "stepped to %#lx, r3 is %d\\n", $pc - (long)&calls, $r3',
        "continue",
        program=file,
    )
    assert "stepped to 0x4, r3 is 0\n" in said
    assert partition.console.output == "done\n"


def test_a_crash_is_looked_at_before_it_is_over(machine: Machine, tmp_path: Path) -> None:
    partition, file = load(
        machine, program("        li r3,0x100\n li r4,0x77\n .long 0\n"), tmp_path
    )
    partition.memory.write_words(0x700, 0x48000000)
    said, _ = debug(partition, "break *0x700", "continue", "p/x $r4", "p/x $srr0", program=file)
    assert "= 0x77\n" in said
    assert "= 0x1008\n" in said


def test_an_interrupt_stops_a_guest_that_runs(machine: Machine, tmp_path: Path) -> None:
    partition, file = load(machine, program(FOREVER), tmp_path)
    said, _ = debug(
        partition,
        "python import threading, os, signal",
        "python late = lambda: os.kill(os.getpid(), signal.SIGINT)",
        "python threading.Timer(0.5, late).start()",
        "continue",
        "p/x $pc",
        "kill",
        program=file,
    )
    assert "SIGINT" in said
    assert "= 0x1000\n" in said


def test_processors_are_threads(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "guest.elf"
    file.write_bytes(write_elf(program(FOREVER)))
    partition = machine.add_partition(memory="16M", processors=3)
    partition.load(file.read_bytes())
    said, _ = debug(
        partition,
        "info threads",
        "thread 2",
        "p/x $pc",
        "thread 1",
        "stepi",
        "p/x $pc",
        "kill",
        program=file,
    )
    assert said.count("(stopped)") == 2
    assert said.count("(ready)") == 1
    assert re.search(r"= 0x0\n(.*\n)+.*= 0x1000\n", said)


def test_a_guest_that_gdb_leaves_runs_on(machine: Machine, tmp_path: Path) -> None:
    partition, file = load(machine, guest(ByteOrder.BIG), tmp_path)
    said, _ = debug(partition, "break twice", "continue", "detach", program=file)
    assert "detached" in said
    outcome = partition.run(seconds=1)
    assert partition.console.output == "done\n", (said, outcome)


def test_breakpoints_outlive_a_reboot(machine: Machine, tmp_path: Path) -> None:
    probe = machine.add_partition(memory="16M")
    reboot = rtas(token(probe, "system-reboot"))
    partition, file = load(machine, program("        nop\nhere: nop\n" + reboot), tmp_path)
    breaks = ("continue", "p/x $pc") * 2
    said, _ = debug(partition, "break *here", *breaks, "kill", program=file)
    assert said.count("= 0x1004\n") == 2
    assert partition.boots == 2


@pytest.mark.linux
def test_gdb_debugs_debians_kernel_by_its_symbols(machine: Machine) -> None:
    def boot(machine: Machine) -> Partition:
        partition = machine.add_partition(memory="512M", processors=2)
        initrd = linux.initramfs({}, "poweroff -f\n")
        partition.boot(linux.kernel, initrd, "console=hvc0 quiet")
        return partition

    linux = fetch_linux(Silent())
    partition = boot(machine)
    said, outcome = debug(
        partition,
        "break start_kernel",
        "continue",
        "stepi",
        "p (char*)&linux_banner",
        "delete",
        "watch *(int*)&system_state",
        "continue",
        "backtrace",
        "delete",
        "hbreak kernel_power_off",
        "continue",
        "monitor backtrace",
        "thread apply all backtrace 5",  # either may power off; the other idles
        "delete",
        "continue",
        program=linux.kernel,
    )
    assert outcome is not None, said
    assert outcome.ending is Ending.POWER_OFF, said
    assert re.search(r"hit Breakpoint 1, .* in start_kernel \(\)\n.* in start_kernel", said)
    assert '"Linux version ' in said
    assert re.search(r"Old value = 0\nNew value = 1\n.* in rest_init \(\)", said)
    assert re.search(r"#1 .* arch_call_rest_init \(\)\n#2 .* start_kernel", said)
    assert re.search(r"hit Breakpoint 3, .* in kernel_power_off", said)
    assert re.search(r"\n +\[[0-9a-f]{16}\] [0-9a-f]{16}  system_call_exception\+0x", said)
    assert re.search(r"#0 .* in plpar_hcall_norets_notrace .*\n#1 ", said)
    assert "exited normally" in said
    with Machine(epoch=0) as another:
        alone = boot(another)
        alone.run()
        assert alone.stats().instructions == partition.stats().instructions


def test_the_command_waits_for_gdb_and_says_how_to_come() -> None:
    with subprocess.Popen(
        [*PYPHYP, "run", "hello", "--gdb", "0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as waiting:  # fmt: skip
        assert waiting.stderr is not None
        said = waiting.stderr.readline()
        found = re.search(r"gdb-multiarch -ex 'target remote (127\.0\.0\.1:\d+)'", said)
        assert found, said
        arguments = ["-nx", "-batch", "-ex", f"target remote {found[1]}", "-ex", "continue"]
        subprocess.run(["gdb-multiarch", *arguments], capture_output=True, timeout=60, check=True)
        output, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    assert "Hello" in output


def test_an_address_that_cannot_be_had_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("run", "hello", "--gdb", str(port))
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "is no address" in run("run", "hello", "--gdb", "here").stderr
