"""What a tape library is made of: elements, which hold cartridges (SMC-3).

Elements are numbered as IBM's libraries number theirs.  The one transport element holds a cartridge
only while it moves it, which takes no time here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .tape import TapeDrive
    from .tape_medium import TapeMedium

MOST_DRIVES, MOST_SLOTS, MOST_PORTS = 16, 1024, 64
BARCODE_LENGTH = 32
"""Characters of a volume identifier."""


class Kind(IntEnum):
    """Element type codes."""

    TRANSPORT = 1
    STORAGE = 2
    PORT = 3
    """Import and export, which the operator reaches."""
    DRIVE = 4


FIRST = {Kind.TRANSPORT: 1, Kind.DRIVE: 257, Kind.PORT: 769, Kind.STORAGE: 1025}
"""The address of each kind's first element."""


class Cartridge(Protocol):
    """A cartridge: a label, and a tape for whatever drive it is put in."""

    @property
    def barcode(self) -> str: ...

    def open(self) -> TapeMedium:
        """Raises `BackingError`."""


@dataclass(eq=False, slots=True)
class Element:
    """A place for one cartridge."""

    kind: Kind
    address: int
    drive: TapeDrive | None = None
    cartridge: Cartridge | None = None
    source: int = 0
    """The storage element that the cartridge came from; 0: it came from none."""
    from_outside: bool = False
    """The operator has put the cartridge here."""


@dataclass(slots=True)
class Elements:
    """All of a library."""

    _by_address: dict[int, Element] = field(default_factory=dict)

    @classmethod
    def of(cls, drives: Iterable[TapeDrive], slots: int, ports: int) -> Elements:
        """One transport, `drives`, and so many storage elements and ports."""
        its = [Element(Kind.TRANSPORT, FIRST[Kind.TRANSPORT])]
        its += (Element(Kind.DRIVE, FIRST[Kind.DRIVE] + n, drive) for n, drive in enumerate(drives))
        its += (Element(Kind.PORT, FIRST[Kind.PORT] + n) for n in range(ports))
        its += (Element(Kind.STORAGE, FIRST[Kind.STORAGE] + n) for n in range(slots))
        return cls({element.address: element for element in its})

    def __iter__(self) -> Iterator[Element]:
        """By address."""
        return iter(self._by_address.values())

    def of_kind(self, kind: Kind) -> list[Element]:
        return [element for element in self if element.kind is kind]

    def at(self, address: int) -> Element | None:
        return self._by_address.get(address)

    def holding(self, barcode: str) -> Element | None:
        """Where a cartridge is."""
        return next(
            (its for its in self if its.cartridge and its.cartridge.barcode == barcode), None
        )

    def free(self, kind: Kind) -> Element | None:
        """The first one that is empty."""
        return next((its for its in self.of_kind(kind) if its.cartridge is None), None)

    def layout(self) -> dict[int, str]:
        """Which cartridge each element holds, by address."""
        return {its.address: its.cartridge.barcode for its in self if its.cartridge is not None}
