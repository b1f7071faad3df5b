"""What the toy kernels say, byte for byte, and that they teach in one line each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import guests.bare
from emu.bits import ByteOrder
from hypervisor.abi import Mmu
from hypervisor.partition import Ending
from pyphyp import Machine
from pyphyp.guest_list import assemble_toy

if TYPE_CHECKING:
    from collections.abc import Callable

DIRECTORY = Path(guests.bare.__path__[0])
KERNELS = sorted(file.stem for file in DIRECTORY.glob("*.s"))
PROMPT = "hcall> "
PROCESSORS = {"smp": 4}
TYPED = {
    "hcalls": (
        "H_RANDOM",
        "h_put_term_char 0 3 6869210000000000",
        "99999",
        "H_REGISTER_VPA 200000000000 0 0",
        "104 30000000 2",
        "300 zz",
        "xyzzy",
        "",
        "H_EOI 1 2 3 4 5 6 7 8 9 a",
        "wrong\b\b\b\b\bH_CPPR 0x5",
        "help",
        "quit",
    )
}


def run(name: str, order: ByteOrder, mmu: Mmu) -> str:
    """What kernel `name` writes on its console until it returns to firmware."""
    program = assemble_toy(name, little=order is ByteOrder.LITTLE)
    assert program.entry_order is ByteOrder.BIG
    with Machine(epoch=0, seed=1) as machine:
        partition = machine.add_partition(
            memory="64M", processors=PROCESSORS.get(name, 1), mmu=mmu.value
        )
        partition.load(program)
        for line in TYPED.get(name, ()):
            partition.console.wait_for(PROMPT, seconds=60)
            partition.console.send(f"{line}\n")
        outcome = partition.run(seconds=60)
        assert outcome is not None
        assert outcome.ending is Ending.EXIT
        return partition.console.output


@pytest.mark.parametrize("order", ByteOrder)
@pytest.mark.parametrize("name", KERNELS)
def test_a_toy_kernel_says_the_same_in_both_byte_orders(
    name: str, order: ByteOrder, golden: Callable[[str, str], None]
) -> None:
    golden(f"console-{name}.txt", run(name, order, Mmu.AUTO))


@pytest.mark.parametrize("order", ByteOrder)
@pytest.mark.parametrize(("name", "mmu"), [("tasks", Mmu.HASH), ("paging", Mmu.RADIX)])
def test_a_toy_kernel_meets_the_other_translation(
    name: str, mmu: Mmu, order: ByteOrder, golden: Callable[[str, str], None]
) -> None:
    golden(f"console-{name}-{mmu.value}.txt", run(name, order, mmu))


@pytest.mark.parametrize("name", KERNELS)
def test_a_toy_kernel_opens_with_a_sentence(name: str) -> None:
    first = (DIRECTORY / f"{name}.s").read_text().partition("\n")[0]
    assert first.startswith("# ")
    assert first.endswith(".")
