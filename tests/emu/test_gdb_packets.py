"""Packets on the wire, and that no bytes whatever do harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.gdb.packets import (
    LARGEST,
    Garbled,
    Interrupt,
    Packet,
    Resend,
    Unpacker,
    pack,
)


@given(st.binary(max_size=300), st.integers(1, 50))
def test_what_is_packed_is_unpacked_however_it_arrives(data: bytes, piece: int) -> None:
    unpacker, wire = Unpacker(), pack(data)
    arrivals = []
    for at in range(0, len(wire), piece):
        arrivals += unpacker.feed(wire[at : at + piece])
    assert arrivals == [Packet(data)]


def test_a_packet_looks_as_the_manual_says() -> None:
    assert pack(b"OK") == b"$OK#9a"
    assert pack(b"a#b") == b"$a}\x03b#43"


def test_what_lies_between_packets_is_told_apart() -> None:
    arrivals = Unpacker().feed(b"++x\x03-$?#3f+")
    assert arrivals == [Interrupt(), Resend(), Packet(b"?")]


@pytest.mark.parametrize("wire", [b"$?#40", b"$?#zz", b"$" + b"a" * (LARGEST + 1) + b"#00"])
def test_a_packet_that_cannot_be_read_is_garbled_and_the_next_one_is_not(wire: bytes) -> None:
    assert Unpacker().feed(wire + pack(b"?")) == [Garbled(), Packet(b"?")]


def test_a_packet_begun_again_counts_from_there() -> None:
    assert Unpacker().feed(b"$abc$?#3f") == [Packet(b"?")]


@given(st.lists(st.binary(max_size=40)))
def test_any_bytes_are_bounded_and_the_next_packet_is_read(pieces: list[bytes]) -> None:
    unpacker = Unpacker()
    for piece in pieces:
        unpacker.feed(piece)
    assert unpacker.feed(b"$" + pack(b"?") + pack(b"?"))[-1] == Packet(b"?")
