"""The machine as scripts use it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from emu.assembler import assemble
from emu.bits import ByteOrder
from pyphyp import BootError, Ended, Ending, Machine, Timeout
from pyphyp.guest_list import assemble_toy
from pyphyp.memory_size import memory_size
from pyphyp.partition import ClosedError
from tests.pyphyp.guests import FOREVER, program, put, rtas

if TYPE_CHECKING:
    from pyphyp import Partition

SECOND = 512_000_000
SMALL = "16M"


def token(partition: Partition, name: str) -> int:
    return partition.composition.firmware.rtas.token(name)


@pytest.fixture
def partition(machine: Machine) -> Partition:
    return machine.add_partition(memory=SMALL)


def test_toy_kernel_writes_and_gives_the_partition_back(partition: Partition) -> None:
    partition.load(assemble_toy("hello"))
    outcome = partition.run()
    assert outcome is not None
    assert outcome.ending is Ending.EXIT
    assert partition.outcome == outcome
    assert partition.console.output == "Hello from a POWER partition.\n"


def test_fresh_partition_can_be_poked_and_run(partition: Partition) -> None:
    partition.memory.write_words(0x100, 0x38600007, 0x48000000)  # li r3,7; b .
    partition.registers.nip = 0x100
    assert partition.run(instructions=100) is None
    assert partition.registers.gpr(3) == 7
    assert partition.disassemble(0x100, count=1)[0].endswith("li r3, 7")


def test_run_stops_after_the_instructions_asked_for(partition: Partition) -> None:
    partition.load(program(FOREVER))
    partition.run(instructions=1000)
    assert 1000 <= partition.stats().instructions < 1010
    partition.run(instructions=1000)
    assert 2000 <= partition.stats().instructions < 2020


def test_run_stops_after_the_seconds_asked_for_idle_or_not(partition: Partition) -> None:
    partition.load(assemble_toy("ticks"))
    assert partition.run(seconds=2.5) is None
    assert partition.seconds == pytest.approx(2.5, abs=1e-6)
    assert partition.console.output == "tick 1\ntick 2\n"


def test_idle_time_is_skipped_without_instructions(partition: Partition) -> None:
    partition.load(assemble_toy("ticks"))
    partition.run()
    assert partition.console.output.splitlines()[-1] == "tick 5"
    assert partition.seconds == pytest.approx(5, abs=1e-4)
    assert partition.stats().instructions < 2000


def test_wait_for_stops_right_behind_the_words(partition: Partition) -> None:
    partition.load(program(put("one\n") + put("two\n") + put("three\n") + FOREVER))
    partition.console.wait_for("two")
    assert partition.console.output == "one\ntwo\n"
    assert partition.console.wait_for(re.compile("t(h)ree")).group(1) == "h"


def test_wait_for_finds_nothing_twice(partition: Partition) -> None:
    partition.load(program(put("word\n") + FOREVER))
    partition.console.wait_for("word")
    with pytest.raises(Timeout):
        partition.console.wait_for("word", seconds=0.01)


def test_wait_for_finds_words_that_came_in_pieces(partition: Partition) -> None:
    partition.load(program(put("par") + put("tition") + FOREVER))
    assert partition.console.wait_for("partition").start() == 0


def test_timeout_shows_the_last_lines(partition: Partition) -> None:
    partition.load(program(put("shown\n") + FOREVER))
    with pytest.raises(Timeout, match=r"(?s)'never' did not appear in 0.02 s.*shown"):
        partition.console.wait_for("never", seconds=0.02)
    assert partition.seconds == pytest.approx(0.02, abs=1e-6)


def test_end_of_the_partition_ends_the_wait(partition: Partition) -> None:
    partition.load(assemble_toy("hello"))
    with pytest.raises(Ended, match="exit to firmware before 'never' appeared"):
        partition.console.wait_for("never")


def test_words_before_the_end_are_found(partition: Partition) -> None:
    partition.load(assemble_toy("hello"))
    partition.console.wait_for("partition.")
    assert partition.run() is not None


def test_output_that_is_no_text_is_escaped(partition: Partition) -> None:
    partition.load(
        program("        li r4,0\n li r5,2\n load64 r6,0xff41000000000000\n hcall 0x58\n")
    )
    partition.run(instructions=50)
    assert partition.console.output == r"\xffA"


def test_what_is_sent_reaches_the_guest(partition: Partition) -> None:
    partition.console.send("hi")
    partition.load(program("        li r4,0\n hcall H_GET_TERM_CHAR\n" + FOREVER))
    partition.run(instructions=50)
    assert partition.registers.gpr(4) == 2
    assert partition.registers.gpr(5) >> 48 == int.from_bytes(b"hi", "big")


def test_more_input_than_the_terminal_takes_waits(partition: Partition) -> None:
    partition.console.send(b"x" * ((1 << 20) + 5))
    assert partition.console.transcript.waiting == 5


@pytest.mark.parametrize("name", ["power-off", "system-reboot"])
def test_rtas_ends_the_run(machine: Machine, name: str) -> None:
    partition = machine.add_partition(memory=SMALL, reboot=False)
    arguments = (0, 0) if name == "power-off" else ()
    partition.load(program(rtas(token(partition, name), *arguments) + FOREVER))
    outcome = partition.run()
    assert outcome is not None
    expected = Ending.POWER_OFF if name == "power-off" else Ending.REBOOT
    assert outcome.ending is expected


def test_reboot_boots_the_same_image_in_a_partition_built_anew(partition: Partition) -> None:
    boots = []
    partition.console.transcript.listeners.append(lambda _: boots.append(partition.boots))
    body = put("up\n") + rtas(token(partition, "system-reboot")) + FOREVER
    partition.load(program(body))
    for _ in range(3):
        partition.console.wait_for("up\n")
    assert boots == [1, 2, 3]
    assert partition.console.output == "up\n" * 3
    assert partition.stats().rtas["system-reboot"] == 2
    assert partition.memory.u32(0x3000) == 0


def test_time_goes_on_across_a_reboot(partition: Partition) -> None:
    sleep = f"        load64 r5,{2 * SECOND}\n mtdec r5\n hcall H_CEDE\n"
    wake = "        .org 0x900\n" + rtas(token(partition, "system-reboot"))
    partition.load(program(sleep, before=wake))
    partition.run(seconds=5)
    assert partition.boots == 3
    inner = partition.composition.partition
    assert inner.time_of_day.now(inner.time_base) == pytest.approx(5, abs=0.01)


def test_booting_again_starts_afresh(partition: Partition) -> None:
    partition.load(assemble_toy("hello"))
    partition.run()
    partition.load(assemble_toy("hello"))
    assert partition.outcome is None
    partition.run()
    assert partition.console.output == "Hello from a POWER partition.\n" * 2
    assert partition.stats().hcalls["H_PUT_TERM_CHAR"] == 4


def test_kernel_that_is_none_is_refused(partition: Partition) -> None:
    with pytest.raises(BootError, match="ELF"):
        partition.boot(b"not a kernel")


def test_elf_of_the_assembler_runs_in_its_byte_order(partition: Partition) -> None:
    source = "_start: li r3,5\n        b .\n"
    partition.load(assemble(source, byte_order=ByteOrder.LITTLE).elf())
    partition.run(instructions=10)
    assert partition.registers.gpr(3) == 5
    assert partition.registers.msr.LE


def test_same_seed_and_epoch_give_the_same_run() -> None:
    def run(seed: int) -> tuple[int, dict[str, object]]:
        with Machine(epoch=1, seed=seed) as machine:
            partition = machine.add_partition(memory=SMALL)
            partition.load(program("        hcall H_RANDOM\n" + FOREVER))
            partition.run(instructions=100)
            return partition.registers.gpr(4), dict(partition.stats().exact())

    assert run(1) == run(1)
    assert run(1)[0] != run(2)[0]


def test_partitions_of_a_machine_draw_different_numbers(machine: Machine) -> None:
    drawn = set()
    for _ in range(2):
        partition = machine.add_partition(memory=SMALL)
        partition.load(program("        hcall H_RANDOM\n" + FOREVER))
        partition.run(instructions=10)
        drawn.add(partition.registers.gpr(4))
    assert len(drawn) == 2
    assert [p.name for p in machine.partitions] == ["partition1", "partition2"]


def test_closed_machine_says_so(machine: Machine) -> None:
    partition = machine.add_partition("alpha", memory=SMALL)
    machine.close()
    with pytest.raises(ClosedError, match="alpha"):
        partition.run()
    assert partition.stats().instructions == 0


@pytest.mark.parametrize(
    ("text", "size"), [("16M", 1 << 24), ("1G", 1 << 30), ("1.5GiB", 3 << 29), (1 << 25, 1 << 25)]
)
def test_memory_sizes_are_read_as_people_write_them(text: str | int, size: int) -> None:
    assert memory_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "1X", "15M", "-1G", "16777217", "1e9"])
def test_memory_sizes_that_are_none_are_refused(text: str, machine: Machine) -> None:
    with pytest.raises(ValueError, match=r"16M|512M"):
        machine.add_partition(memory=text)


def test_a_processor_mode_that_is_none_is_refused_with_those_that_are(machine: Machine) -> None:
    with pytest.raises(ValueError, match="'power6': there are power7, power8, power9, power10"):
        machine.add_partition(memory=SMALL, cpu_mode="power6")
