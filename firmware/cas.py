"""ibm,client-architecture-support: what the client can do meets what the platform offers.

The client hands over a list of processor versions it knows and its option vectors (LoPAR B.5.2.3).
The answer is a processor compatibility mode and `ibm,architecture-vec-5`; or the demand cannot be
met, and is refused.

An option vector is its bytes from byte 0 on, where byte 0 is the length less two; so the indices
here are the specification's byte numbers.
"""

from __future__ import annotations

from dataclasses import field
from enum import IntEnum
from typing import TYPE_CHECKING

from emu.bits import Field, Word
from emu.values import frozen
from hypervisor.abi import InterruptMode, InterruptOffer, Mmu

from .compatibility import POWER9, CompatibilityMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emu.memory import Memory

PVR_LIMIT = 512
"""Entries a client's list of processor versions may have."""
NOT_SPECIFIED = 0xFFFF_FFFF


class CasError(Exception):
    """The client's demand cannot be met; the message says which."""


class Byte1(Word):
    """Byte 1 of most option vectors."""

    WIDTH = 8
    IGNORE = Field(0)


class Sharing(Word):
    """Option vector 5 byte 2: what kinds of partition."""

    WIDTH = 8
    LPAR = Field(0)
    SPLPAR = Field(1)


class Associativity(Word):
    """Option vector 5 byte 5."""

    WIDTH = 8
    FORM_1 = Field(0)


class Events(Word):
    """Option vector 5 byte 6."""

    WIDTH = 8
    HOT_PLUG = Field(5)


class InterruptControl(Word):
    """Option vector 5 byte 23: which interrupt controller."""

    WIDTH = 8
    SUPPORT = Field(0, 1)


class InterruptSupport(IntEnum):
    XICS = 0
    XIVE = 1
    EITHER = 2


_INTERRUPT_MODES = {
    InterruptMode.XICS: InterruptControl(0).replace(SUPPORT=InterruptSupport.XICS),
    InterruptMode.XIVE: InterruptControl(0).replace(SUPPORT=InterruptSupport.XIVE),
}


class Translation(Word):
    """Option vector 5 byte 24: which kind of address translation."""

    WIDTH = 8
    SUPPORT = Field(0, 1)


class TranslationSupport(IntEnum):
    HASH = 0
    RADIX = 1
    EITHER = 2


class RadixExtensions(Word):
    """Option vector 5 byte 26."""

    WIDTH = 8
    GTSE = Field(1)


SHARING, ASSOCIATIVITY, EVENTS, MOST_PROCESSORS = 2, 5, 6, slice(9, 13)
INTERRUPT_MODE, TRANSLATION, HASH_EXTENSIONS, RADIX_EXTENSIONS = 23, 24, 25, 26
VECTOR_5_BYTES = RADIX_EXTENSIONS + 1
LEAST_RMA_MIB = slice(24, 28)
LEAST_VECTOR_2_BYTES = 28


@frozen
class Request:
    """What the client hands over: (mask, version) pairs and the vectors by number from 1."""

    versions: tuple[tuple[int, int], ...]
    vectors: dict[int, bytes] = field(default_factory=dict)

    def vector(self, number: int) -> bytes:
        """Option vector `number`; empty if absent or to be ignored."""
        vector = self.vectors.get(number, b"")
        return b"" if len(vector) < 2 or Byte1(vector[1]).IGNORE else vector


@frozen
class Offer:
    """What the platform can do for this partition."""

    memory_mib: int
    processors: int
    shared_processors: bool
    modes: tuple[CompatibilityMode, ...] = (POWER9,)
    """The best first."""
    mmu: Mmu = Mmu.AUTO
    interrupts: InterruptOffer = InterruptOffer.XICS
    shootdown_by_hcall: bool = False
    """Guests need not shoot down radix translations by instructions."""

    def translations(self, mode: CompatibilityMode) -> tuple[TranslationSupport, ...]:
        """The kinds of translation that there are in `mode`, the preferred one first."""
        radix = (TranslationSupport.RADIX,) if mode.radix and self.mmu is not Mmu.HASH else ()
        hashed = () if self.mmu is Mmu.RADIX else (TranslationSupport.HASH,)
        return radix + hashed

    def vector_5(self) -> bytes:
        """Option vector 5 with what is there in the best mode if nobody asks."""
        vector = bytearray(VECTOR_5_BYTES)
        vector[0] = VECTOR_5_BYTES - 2
        vector[SHARING] = Sharing(0).replace(LPAR=1, SPLPAR=int(self.shared_processors))
        vector[ASSOCIATIVITY] = Associativity(0).replace(FORM_1=1)
        vector[EVENTS] = Events(0).replace(HOT_PLUG=1)
        vector[INTERRUPT_MODE] = _INTERRUPT_MODES[self.interrupts.first]
        kinds = self.translations(self.modes[0])
        support = kinds[0] if len(kinds) == 1 else TranslationSupport.EITHER
        vector[TRANSLATION] = Translation(0).replace(SUPPORT=support)
        vector[RADIX_EXTENSIONS] = _radix_extensions(TranslationSupport.RADIX in kinds)
        return bytes(vector)

    def platform_support(self) -> bytes:
        """`ibm,arch-vec-5-platform-support`: (byte number, value) pairs, everything on offer."""
        vector = bytearray(self.vector_5())
        if self.interrupts is InterruptOffer.AUTO:
            vector[INTERRUPT_MODE] = InterruptControl(0).replace(SUPPORT=InterruptSupport.EITHER)
        numbers = (INTERRUPT_MODE, TRANSLATION, HASH_EXTENSIONS, RADIX_EXTENSIONS)
        return bytes(byte for n in numbers for byte in (n, vector[n]))


@frozen
class Agreement:
    """What client and platform agreed on."""

    mode: CompatibilityMode
    interrupts: InterruptMode
    vector_5: bytes


def read_request(memory: Memory, address: int) -> Request:
    """The client's structure at `address`; `StorageError` or `CasError` if it is none."""
    versions: list[tuple[int, int]] = []
    while True:
        mask, version = memory.words(address, 2)
        address += 8
        versions.append((mask, version))
        # The last entry has a version bit outside its mask.
        if version & ~mask:
            break
        if len(versions) == PVR_LIMIT:
            raise CasError(f"the list of processor versions has no end within {PVR_LIMIT}")
    vectors: dict[int, bytes] = {}
    count = memory.u8(address) + 1
    address += 1
    for number in range(1, count + 1):
        length = memory.u8(address) + 2
        vectors[number] = memory.read(address, length)
        address += length
    return Request(tuple(versions), vectors)


def negotiate(request: Request, offer: Offer) -> Agreement:
    """The best that both sides can do; `CasError` where that is nothing."""
    mode = _choose_mode(request, [mode for mode in offer.modes if offer.translations(mode)])
    _check_memory(request.vector(2), offer)
    wanted = request.vector(5).ljust(VECTOR_5_BYTES, b"\0")[:VECTOR_5_BYTES]
    translation = _agree_on_translation(wanted, offer.translations(mode))
    interrupts = _agree_on_interrupts(wanted, offer, mode)
    return Agreement(mode, interrupts, _agree_on_vector_5(wanted, offer, translation, interrupts))


def _choose_mode(request: Request, modes: Sequence[CompatibilityMode]) -> CompatibilityMode:
    for mode in modes:
        for mask, version in request.versions:
            if mode.logical_pvr & mask == version & mask:
                return mode
    offered = ", ".join(mode.name for mode in modes)
    raise CasError(f"the client knows none of the processor modes offered: {offered}")


def _check_memory(vector: bytes, offer: Offer) -> None:
    if len(vector) < LEAST_VECTOR_2_BYTES:
        return
    least = int.from_bytes(vector[LEAST_RMA_MIB], "big")
    if least != NOT_SPECIFIED and least > offer.memory_mib:
        raise CasError(
            f"the client needs a real mode area of {least} MiB; "
            f"the partition has {offer.memory_mib} MiB in all"
        )


_CONTROLLERS: dict[int, str] = {
    InterruptSupport.XICS: "XICS alone",
    InterruptSupport.XIVE: "XIVE exploitation",
    InterruptSupport.EITHER: "XICS or XIVE",
}


def _agree_on_interrupts(wanted: bytes, offer: Offer, mode: CompatibilityMode) -> InterruptMode:
    """XIVE where both sides and the mode can."""
    xive = mode.xive and offer.interrupts.includes_xive
    support = InterruptControl(wanted[INTERRUPT_MODE]).SUPPORT
    either = support == InterruptSupport.EITHER
    if (either or support == InterruptSupport.XIVE) and xive:
        return InterruptMode.XIVE
    if (either or support == InterruptSupport.XICS) and offer.interrupts.includes_xics:
        return InterruptMode.XICS
    asked = _CONTROLLERS.get(support, "no interrupt controller that there is")
    raise CasError(f"the client wants {asked}; in its mode it is not offered")


def _agree_on_vector_5(
    wanted: bytes, offer: Offer, translation: TranslationSupport, interrupts: InterruptMode
) -> bytes:
    most = int.from_bytes(wanted[MOST_PROCESSORS], "big")
    if 0 < most < offer.processors:
        raise CasError(f"the client can use {most} processors; there are {offer.processors}")
    agreed = bytearray(offer.vector_5())
    agreed[INTERRUPT_MODE] = _INTERRUPT_MODES[interrupts]
    agreed[TRANSLATION] = Translation(0).replace(SUPPORT=translation)
    agreed[RADIX_EXTENSIONS] = _agree_on_shootdown(wanted, offer, translation)
    for number in (SHARING, ASSOCIATIVITY, EVENTS):
        agreed[number] &= wanted[number]
    return bytes(agreed)


def _radix_extensions(radix: bool) -> RadixExtensions:
    """With radix translation a guest may shoot down translations by itself."""
    return RadixExtensions(0).replace(GTSE=int(radix))


def _agree_on_shootdown(
    wanted: bytes, offer: Offer, translation: TranslationSupport
) -> RadixExtensions:
    """By instructions where the client wants that; with hashed page tables there are none."""
    radix = translation is TranslationSupport.RADIX
    by_instruction = radix and RadixExtensions(wanted[RADIX_EXTENSIONS]).GTSE
    if radix and not (by_instruction or offer.shootdown_by_hcall):
        raise CasError("radix translation is offered with guest translation shootdown only")
    return _radix_extensions(bool(by_instruction))


def _agree_on_translation(
    wanted: bytes, offered: tuple[TranslationSupport, ...]
) -> TranslationSupport:
    """Which of the kinds on offer it is."""
    asked = Translation(wanted[TRANSLATION]).SUPPORT
    acceptable = [kind for kind in offered if asked in (kind, TranslationSupport.EITHER)]
    if not acceptable:
        names = " or ".join(kind.name.lower() for kind in offered)
        raise CasError(f"the client wants translation of kind {asked}; {names} is offered")
    return acceptable[0]
