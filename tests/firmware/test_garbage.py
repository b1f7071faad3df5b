"""Whatever a guest passes to firmware, it gets an answer and firmware stays as it is."""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware import client_services, elf, services
from firmware.client_interface import ServiceTable
from firmware.rtas import RtasTable
from tests.firmware.guest import MIB, SCRATCH, elf_image

if TYPE_CHECKING:
    from tests.firmware.guest import Guest

TOKENS = [token for token, _ in RtasTable(lambda: services.ALL).tokens()]
SERVICES = [service.name for service in ServiceTable(lambda: client_services.ALL)]
TEXTS = ("", "/", "/chosen", "/vdevice/vty:x", "name", "reg", "translate", "instantiate-rtas")
METHODS = ("ibm,client-architecture-support", "instantiate-rtas", "translate")
TEXT_AT = SCRATCH + MIB

lengths = st.sampled_from((0, 1, 2, 4, 16, 255, 1 << 16, MIB, 0x7FFFFFFF, 0xFFFFFFFF))
addresses = st.sampled_from((0, 4, SCRATCH, 16 * MIB - 4, 16 * MIB, 0xFFFFFFFC))
handles = st.sampled_from((0x1000, 0x1001, 0x1002, 0x1008, *range(0x80000001, 0x80000009)))
texts = st.integers(0, len(TEXTS) + len(METHODS) - 1).map(lambda n: TEXT_AT + 64 * n)
cells = lengths | addresses | handles | texts | st.integers(0, 0xFFFFFFFF)
shared = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(st.sampled_from(TOKENS) | st.integers(0, 0xFFFFFFFF), st.lists(cells, max_size=9), lengths)
@shared
def test_any_rtas_arguments_get_an_answer(
    guest: Guest, token: int, arguments: list[int], returns: int
) -> None:
    block = (token, len(arguments), min(returns, 20), *arguments)
    guest.memory.write_words(SCRATCH, *block)
    guest.hypercall(0xF000, SCRATCH)


@given(st.sampled_from(SERVICES), st.lists(cells, max_size=7), st.integers(0, 6))
@shared
def test_any_service_arguments_get_an_answer(
    guest: Guest, name: str, arguments: list[int], returns: int
) -> None:
    for n, text in enumerate((*TEXTS, *METHODS)):
        guest.memory.write(TEXT_AT + 64 * n, text.encode() + b"\0")
    guest.memory.write(TEXT_AT - 64, name.encode() + b"\0")
    guest.memory.write_words(SCRATCH, TEXT_AT - 64, len(arguments), returns, *arguments)
    guest.hypercall(0xF005, SCRATCH)


@given(st.sampled_from((0xF000, 0xF005)), st.binary(max_size=200), st.integers(0, (1 << 64) - 1))
@shared
def test_any_block_gets_an_answer(guest: Guest, number: int, block: bytes, elsewhere: int) -> None:
    guest.memory.write(SCRATCH, block)
    guest.hypercall(number, SCRATCH)
    guest.hypercall(number, elsewhere)


@given(st.lists(st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF)), max_size=6))
@shared
def test_any_option_vectors_get_an_answer(guest: Guest, pairs: list[tuple[int, int]]) -> None:
    structure = b"".join(struct.pack(">II", *pair) for pair in pairs)
    root = guest.call("open", "/")
    guest.memory.write(SCRATCH + 4096, structure)
    guest.method("ibm,client-architecture-support", root, SCRATCH + 4096, returns=2)
    guest.service("close", root, returns=0)


@given(st.lists(st.tuples(st.integers(0, 123), st.integers(0, 255)), max_size=6), st.integers(0))
@settings(max_examples=300, deadline=None)
def test_any_file_is_an_executable_or_refused(changes: list[tuple[int, int]], length: int) -> None:
    image = bytearray(elf_image())
    for offset, value in changes:
        image[offset] = value
    with contextlib.suppress(elf.BootError):
        elf.parse(bytes(image[: length % (len(image) + 1)]))
