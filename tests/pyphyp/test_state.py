"""Saving, restoring and cloning partitions: a restored run goes on as the saved one would have."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from guests.linux import fetch_linux
from pyphyp import Ending, Machine, Partition, StateError, assemble_toy
from pyphyp.savefile import Encoding, Opening, SaveFile
from tests.pyphyp.guests import program, put

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.events import Event
from .saved import WORKS, End, ending, started

# -- exactness -------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("at", [1, 777, 5000, 12345])
def test_a_restored_run_is_the_run_that_would_have_been(
    at: int, compress: bool, tmp_path: Path
) -> None:
    with Machine(epoch=0) as one, Machine(epoch=5) as other:
        unsaved = started(one, WORKS)
        whole = ending(unsaved, 60_000)
        original = started(other, WORKS)
        original.run(instructions=at)
        original.save(tmp_path / "state", compress=compress)
        before = original.console.output
        with Machine(epoch=9, seed=3) as machine:
            restored = machine.restore(tmp_path / "state")
            left = 60_000 - restored.stats().instructions
            end = ending(restored, left)
            assert before + restored.console.output == unsaved.console.output
        assert end == whole


@pytest.mark.parametrize("toy", ["smp", "ticks"])
@pytest.mark.parametrize("interleaving", [None, 4])
def test_toy_kernels_end_the_same_wherever_they_were_saved(
    toy: str, interleaving: int | None, tmp_path: Path
) -> None:
    def new(machine: Machine) -> Partition:
        partition = machine.add_partition(memory="32M", processors=3, interleaving=interleaving)
        partition.load(assemble_toy(toy))
        return partition

    with Machine(epoch=0) as machine:
        unsaved = new(machine)
        whole = ending(unsaved)
        length, output = unsaved.stats().instructions, unsaved.console.output
    for part in (0.1, 0.45, 0.8):
        with Machine(epoch=0) as machine:
            partition = new(machine)
            partition.run(instructions=int(length * part))
            partition.save(tmp_path / "state")
            before = partition.console.output
        with Machine() as machine:
            restored = machine.restore(tmp_path / "state")
            assert ending(restored) == whole
            assert before + restored.console.output == output


def test_a_fresh_process_goes_on_with_a_saved_partition(saved: Path, tmp_path: Path) -> None:
    with Machine() as machine:
        partition = machine.restore(saved)
        partition.run(seconds=0.001)
        instructions = partition.stats().instructions
    counts = tmp_path / "counts.json"
    command = (sys.executable, "-m", "pyphyp", "restore", str(saved), "--timeout", "0.001")
    done = subprocess.run(
        (*command, "--stats-file", str(counts)), stdin=subprocess.DEVNULL, capture_output=True
    )
    assert done.returncode == 4, done.stderr
    assert json.loads(counts.read_text())["instructions"] == instructions


def test_input_that_waits_is_saved(machine: Machine, tmp_path: Path) -> None:
    reader = program(" li r4,0\n hcall H_GET_TERM_CHAR\n b .\n")
    partition = started(machine, reader)
    partition.console.send("first")
    partition.save(tmp_path / "state")
    with Machine() as other:
        restored = other.restore(tmp_path / "state")
        restored.run(instructions=60)
        assert restored.registers.gpr(4) == 5
        assert restored.registers.gpr(5).to_bytes(8, "big") == b"first\0\0\0"


def test_a_restored_guest_that_reboots_boots_what_was_booted(tmp_path: Path) -> None:
    from tests.pyphyp.guests import rtas

    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="16M")
        token = partition.composition.firmware.rtas.token("system-reboot")
        partition.load(program(put("up ") + "        nop\n" * 50 + rtas(token)))
        partition.run(instructions=30)
        partition.save(tmp_path / "state")
    with Machine() as machine:
        restored = machine.restore(tmp_path / "state")
        restored.run(seconds=0.0001)
        assert restored.boots > 1
        assert restored.console.output.startswith("up up ")
        restored.save(tmp_path / "again")
    with Machine() as machine:
        assert machine.restore(tmp_path / "again").boots > 1


def test_saving_twice_gives_the_same_file(machine: Machine, tmp_path: Path) -> None:
    partition = started(machine, WORKS)
    partition.run(instructions=3000)
    partition.save(tmp_path / "one")
    partition.save(tmp_path / "two")
    machine_two = Machine()
    with machine_two:
        machine_two.restore(tmp_path / "one").save(tmp_path / "three")
    contents = {(tmp_path / name).read_bytes() for name in ("one", "two", "three")}
    assert len(contents) == 1


def test_a_partition_is_taken_back_to_what_was_saved(machine: Machine, saved: Path) -> None:
    partition = machine.partitions[0]
    first = ending(partition, 1000)
    partition.restore(saved)
    assert ending(partition, 1000) == first


def test_nothing_is_saved_within_a_call(machine: Machine, tmp_path: Path) -> None:
    refused = []

    @machine.before("H_RANDOM")
    def save(event: Event) -> None:
        try:
            event.partition.save(tmp_path / "state")
        except StateError as refusal:
            refused.append(str(refusal))

    started(machine, WORKS).run(instructions=1000)
    assert "between its windows" in refused[0]
    assert not list(tmp_path.iterdir())


# -- clones ----------------------------------------------------------------------------------


def test_clones_go_their_own_ways_from_the_same_point(machine: Machine) -> None:
    partition = started(machine, WORKS)
    partition.run(instructions=5000)
    twin = machine.clone(partition)
    ahead = ending(twin, 3000)
    late_twin = machine.clone(partition)
    assert ending(late_twin, 3000) == ahead
    assert ending(partition, 3000) == ahead
    partition.memory.write_u64(0x8000, 1)
    assert twin.memory.u64(0x8000) == 0
    grandchild = machine.clone(machine.clone(twin))
    assert ending(grandchild, 2000) == ending(partition_without(partition), 2000)


def partition_without(partition: Partition) -> Partition:
    partition.memory.write_u64(0x8000, 0)
    return partition


def test_a_clone_outlives_its_original(saved: Path) -> None:
    with Machine() as machine:
        twin = machine.clone(machine.restore(saved))
        machine.partitions[0].close()
        assert ending(twin, 1000).storage


def test_a_plain_file_is_larger_and_says_the_same(machine: Machine, tmp_path: Path) -> None:
    partition = started(machine, WORKS)
    partition.run(instructions=5000)
    partition.save(tmp_path / "small")
    partition.save(tmp_path / "plain", compress=False)
    file = SaveFile(tmp_path / "plain")
    assert file.section("storage").encoding is Encoding.PLAIN
    file.close()
    with Machine() as one, Machine() as other:
        small, plain = one.restore(tmp_path / "small"), other.restore(tmp_path / "plain")
        assert ending(small, 1000) == ending(plain, 1000)


# -- the command -----------------------------------------------------------------------------


def pyphyp(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = (sys.executable, "-m", "pyphyp", *arguments)
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


def test_the_command_saves_at_a_time_and_restores(tmp_path: Path) -> None:
    file = tmp_path / "ticks.state"
    whole = pyphyp("run", "ticks", "--epoch", "0")
    saving = pyphyp("run", "ticks", "--epoch", "0", "--save-to", str(file), "--save-at", "0.002")
    assert saving.stdout == whole.stdout
    rest = pyphyp("restore", str(file), "--stats")
    assert rest.returncode == 0
    assert whole.stdout.endswith(rest.stdout)
    assert b"instructions" in rest.stderr


def test_the_command_refuses_what_it_cannot_restore(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"x")
    done = pyphyp("restore", str(tmp_path / "bad"))
    assert done.returncode == 1
    assert b"this is no saved partition" in done.stderr
    assert pyphyp("run", "hello", "--save-at", "1").returncode == 2


# -- Linux -----------------------------------------------------------------------------------


class Silent:
    def step(self, description: str, fraction: float | None = None) -> None:
        """Nobody watches."""


@pytest.mark.linux
@pytest.mark.parametrize(("processors", "mmu"), [(1, "radix"), (2, "radix"), (2, "hash")])
def test_linux_saved_at_its_prompt_runs_on_elsewhere(
    processors: int, mmu: str, tmp_path: Path
) -> None:
    guest = fetch_linux(Silent())

    def finish(partition: Partition) -> tuple[End, str]:
        seen = len(partition.console.output)
        partition.console.send("echo $((6 * 7)); sha256sum /bin/busybox; poweroff -f\n")
        return ending(partition), partition.console.output[seen:]

    with Machine(epoch=0) as machine:
        partition = machine.add_partition(processors=processors, mmu=mmu)
        partition.boot(guest.kernel, guest.initramfs(), "console=hvc0")
        partition.console.wait_for(":~# ")
        partition.save(tmp_path / "prompt")
        partition.save(tmp_path / "plain", compress=False)
        twin = machine.clone(partition)
        expected, said = finish(partition)
        assert "\n42\r" in said
        assert finish(twin) == (expected, said)
    assert expected.outcome is not None
    assert expected.outcome.ending is Ending.POWER_OFF  # type: ignore[attr-defined]
    for name in ("prompt", "plain"):
        with Machine() as machine:
            assert finish(machine.restore(tmp_path / name)) == (expected, said)
        with Machine() as machine:
            assert finish(machine.restore(Opening(tmp_path / name))) == (expected, said)
