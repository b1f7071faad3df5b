"""Cases of a group until a number of them is done."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from emu import isa

from . import block, generate
from .compare import Finding, differences, findings
from .model_instructions import predict
from .model_operations import operation_of
from .runners import Ours, Qemu

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emu.bits import ByteOrder

    from .runners import Case


def drive(name: str, order: ByteOrder, seed: int, count: int) -> Iterator[Finding]:
    """What differs in `count` cases of a group of instructions."""
    group, rng = generate.groups()[name], random.Random(f"{name} {seed}")
    with Qemu(order, generate.PROCESSORS[name]) as theirs, Ours(order) as ours:
        for _ in range(0, count, block.SLOTS):
            yield from findings(theirs, ours, generate.batch(rng, group, order))


MODELLED_GROUPS = ("floating", "vsx")


def _is_modelled(word: int) -> bool:
    instruction = isa.instruction_of(word)
    return instruction is not None and operation_of(instruction.mnemonic, word) is not None


def _modelled_case(rng: random.Random, group: generate.Group, slot: int, order: ByteOrder) -> Case:
    while True:
        case = generate.case(rng, group, slot, order)
        if _is_modelled(case.words[0]):
            return case


def drive_model(name: str, order: ByteOrder, seed: int, count: int) -> Iterator[Finding]:
    """What differs from the exact model in `count` cases of binary floating point."""
    group, rng = generate.groups()[name], random.Random(f"model {name} {seed}")
    with Ours(order) as ours:
        for _ in range(0, count, block.SLOTS):
            cases = [_modelled_case(rng, group, slot, order) for slot in range(block.SLOTS)]
            for case, here in zip(cases, ours.run(cases), strict=True):
                theirs = predict(case.words[0], case.state, case.slot)
                if theirs is not None and theirs != here:
                    yield Finding(case, tuple(differences(case.state, theirs, here)))
