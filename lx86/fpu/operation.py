"""One instruction about to be carried out: what it finds, and what it leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, Protocol

from ..cpu import Vector

if TYPE_CHECKING:
    from ..cpu import FloatingState
    from ..instruction import Instruction

COMPARED = 0x8D5
"""OF, SF, ZF, AF, PF and CF, which FCOMI and COMISS replace."""


class Undefined(Exception):  # noqa: N818
    """There is no such instruction."""


class Refused(Exception):  # noqa: N818
    """The instruction traps with this vector, and has changed nothing but status words."""

    def __init__(self, vector: Vector) -> None:
        super().__init__(vector.name)
        self.vector = vector


class Bytes(Protocol):
    """The program's storage; raises `StorageFault`."""

    def read(self, address: int, length: int) -> bytes: ...
    def write(self, address: int, data: bytes) -> None: ...

    def probe(self, address: int) -> None:
        """Nothing, if a byte can be written there."""


@dataclass(slots=True)
class Operation:
    instruction: Instruction
    floating: FloatingState
    storage: Bytes
    general: list[int]
    """EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, R8 to R15: read, and written."""
    eflags: int
    address: int
    """Of the storage operand, if there is one."""
    features: int = 0
    mask: int = 0xFFFF_FFFF
    """All ones in an address."""
    written: set[int] = field(default_factory=set)
    """Which general registers it wrote."""
    flags_written: bool = False

    def load(self, length: int, offset: int = 0) -> int:
        """The storage operand as a number."""
        at = self.place(offset)
        return int.from_bytes(self.storage.read(at, length), "little")

    def store(self, value: int, length: int, offset: int = 0) -> None:
        at = self.place(offset)
        self.storage.write(at, value.to_bytes(length, "little"))

    def store_state(self, image: bytes, length: int) -> None:
        """A store whose first and last bytes the processor asks for before it begins."""
        for offset in (0, length - 1):
            self.storage.probe(self.place(offset))
        self.storage.write(self.address, image)

    def place(self, offset: int) -> int:
        """The address of a part of the storage operand."""
        return self.address + offset & self.mask

    def set_general(self, number: int, value: int, width: int = 32) -> None:
        """To the lowest `width` bits; in 64-bit mode those above 32 are zero then."""
        self.general[number] = value & (1 << width) - 1
        self.written.add(number)

    def set_ax(self, value: int) -> None:
        self.set_general(0, self.general[0] & ~0xFFFF | value & 0xFFFF, 64)

    def set_compared(self, flags: int) -> None:
        self.eflags = self.eflags & ~COMPARED | flags
        self.flags_written = True

    def undefined(self) -> NoReturn:
        raise Undefined

    def refuse_general_protection(self) -> NoReturn:
        raise Refused(Vector.GENERAL_PROTECTION)
