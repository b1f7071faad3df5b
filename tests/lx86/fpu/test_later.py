"""What came after SSE2, each instruction by name, against this host's processor."""

from __future__ import annotations

import platform
import signal
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from lx86.architecture import I386, X86_64
from lx86.cpuid import MODELS, More

from . import later, native
from .compare import differences
from .test_interpret import interpreted
from .translated import SHARED, Translated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lx86.architecture import Architecture

    from .native import Case

_COUNT = 8
_STATUS, _MXCSR = 0xFFFF & ~SHARED & ~0x202, 0xFFFF & ~SHARED & ~2
"""The bits that translated code keeps as x86 does (CAVEATS.md)."""
_SETS = {
    "sse3": later.SSE3,
    "ssse3": later.SSSE3,
    "sse4": later.SSE4,
    "aes": later.AES,
    "general": later.GENERAL,
    "movbe": later.MOVBES,
}
_EVERYTHING = replace(MODELS["westmere"], more=MODELS["westmere"].more | More.MOVBE)
either = pytest.mark.parametrize("architecture", [I386, X86_64], ids=lambda its: its.name)
pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="only an x86-64 host tells what is right"
)


def _wrong(got: Case, wanted: Case, **how: int) -> list[str]:
    found = differences(wanted, got, wanted, **how)
    return [f"{wanted.code.hex()}: {'; '.join(found)}"] if found else []


def _differences(processors: Callable[[Architecture], Path], tried: list[Case]) -> list[str]:
    """What translation makes of cases for one architecture other than this host's processor."""
    architecture = tried[0].architecture
    right = native.run(processors(architecture), tried)
    machine = Translated(_EVERYTHING, architecture)
    wrong = []
    try:
        for case, wanted in zip(tried, right, strict=True):
            wrong += _wrong(machine.run(case), wanted, status=_STATUS, mxcsr=_MXCSR)
    finally:
        machine.close()
    return wrong


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "unmasked"])
@pytest.mark.parametrize("name", ["sse3", "ssse3", "sse4", "aes"])
def test_a_later_instruction_means_what_it_does_on_this_hosts_processor(
    processor: Path, name: str, masked: bool
) -> None:
    tried = later.made(Random(name), _SETS[name], 5 * _COUNT, masked=masked)
    # Which of inexactness and underflow is told when another is unmasked differs.
    told = 0xFFFF if masked else 0xFFDF
    wrong = []
    for case, wanted in zip(tried, native.run(processor, tried), strict=True):
        wrong += _wrong(interpreted(case), wanted, status=told, mxcsr=told)
    assert wrong == []


@either
@pytest.mark.parametrize("name", _SETS)
def test_a_later_instruction_is_translated_to_what_it_does_on_this_hosts_processor(
    processors: Callable[[Architecture], Path], name: str, architecture: Architecture
) -> None:
    kind = "long" if architecture.long else "translated"
    tried = later.made(Random(f"{kind} {name}"), _SETS[name], _COUNT, architecture)
    assert _differences(processors, tried) == []


@pytest.mark.parametrize("name", _SETS)
def test_with_the_default_model_there_is_no_such_instruction(name: str) -> None:
    machine = Translated()
    try:
        tried = later.made(Random(f"off {name}"), _SETS[name], 1)
        assert {case.code.hex(): machine.run(case).signal for case in tried} == {
            case.code.hex(): signal.SIGILL for case in tried
        }
    finally:
        machine.close()


@either
def test_strings_are_compared_as_on_this_hosts_processor(
    processors: Callable[[Architecture], Path], architecture: Architecture
) -> None:
    r = Random("strings")
    tried = later.with_strings(r, later.made(r, later.STRINGS, 60, architecture))
    assert _differences(processors, tried) == []


def test_cmpxchg16b_does_what_it_does_on_this_hosts_processor(
    processors: Callable[[Architecture], Path],
) -> None:
    r = Random("cmpxchg16b")
    tried = []
    for code in (b"\x48\x0f\xc7\x0e", b"\xf0\x48\x0f\xc7\x0e") * 6:
        case = later.made(r, later.MOVBES, 1, X86_64)[0]
        case.code = code
        if r.random() < 0.6:
            both = (case.general[n].to_bytes(8, "little") for n in (0, 2))
            case.storage = b"".join(both) + case.storage[16:]
        tried.append(case)
    assert _differences(processors, tried) == []
