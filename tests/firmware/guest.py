"""A guest that calls firmware as guests do: through hypercalls, with blocks in storage."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from firmware import stubs

if TYPE_CHECKING:
    from firmware.boot import PlatformFirmware
    from hypervisor.partition import Partition

MIB = 1 << 20
SCRATCH = 8 * MIB
BRANCH_TO_SELF = 0x48000000


def elf_image(
    code: bytes = BRANCH_TO_SELF.to_bytes(4, "big"),
    *,
    address: int = 0,
    size: int | None = None,
    machine: int = 21,
    kind: int = 2,
    bits: int = 64,
    order: str = ">",
) -> bytes:
    """An executable of one segment, linked at `address` below the kernel's effective base."""
    virtual = 0xC000_0000_0000_0000 + address
    ident = b"\x7fELF" + bytes((bits // 32, 1 if order == "<" else 2, 1)).ljust(12, b"\0")
    header = struct.pack(
        order + "HHIQQQIHHHHHH", kind, machine, 1, virtual, 64, 0, 0, 64, 56, 1, 64, 0, 0
    )
    size = len(code) if size is None else size
    segment = struct.pack(order + "IIQQQQQQ", 1, 7, 120, virtual, address, len(code), size, 0x10000)
    return ident + header + segment + code


class Guest:
    """What runs in the partition: storage it fills, and calls into firmware."""

    def __init__(self, partition: Partition, firmware: PlatformFirmware) -> None:
        self.partition, self.firmware = partition, firmware
        self.memory = partition.memory
        self.processor = partition.processors[0]
        self._next = SCRATCH

    def place(self, data: bytes) -> int:
        """Put bytes somewhere into storage; gives the address."""
        address = self._next
        self.memory.write(address, data)
        self._next += -(-len(data) // 16) * 16
        return address

    def rewind(self, address: int) -> None:
        """Place what comes at `address` again."""
        self._next = address

    def string(self, text: str) -> int:
        return self.place(text.encode() + b"\0")

    def buffer(self, length: int = 256) -> int:
        return self.place(b"\xee" * length)

    def hypercall(self, number: int, block: int) -> int:
        """r3 after `sc 1` with the address of `block` in r4."""
        self.processor.set_gpr(3, number)
        self.processor.set_gpr(4, block)
        return int(self.partition.hcalls.dispatch(self.processor))

    def service(self, name: str, *arguments: int | str, returns: int = 1) -> tuple[int, ...]:
        """The return cells of a client service; string arguments are put into storage."""
        cells = [self.string(a) if isinstance(a, str) else a & 0xFFFF_FFFF for a in arguments]
        head = (self.string(name), len(cells), returns)
        block = self.place(
            struct.pack(f">{3 + len(cells) + returns}I", *head, *cells, *[0x5A] * returns)
        )
        self.last_code = self.hypercall(stubs.CLIENT_INTERFACE_CALL, block)
        return self.memory.words(block + 12 + 4 * len(cells), returns)

    def call(self, name: str, *arguments: int | str) -> int:
        return self.service(name, *arguments)[0]

    def method(self, name: str, ihandle: int, *stack: int, returns: int) -> tuple[int, ...]:
        """The catch result of a method and its results, the top of the stack first."""
        return self.service("call-method", name, ihandle, *stack, returns=returns)

    def rtas(self, name: str | int, *arguments: int, returns: int = 1) -> tuple[int, ...]:
        """The return cells of an RTAS call, the status as a signed number."""
        token = self.firmware.rtas.token(name) if isinstance(name, str) else name
        cells = (token, len(arguments), returns, *arguments, *[0x5A] * returns)
        block = self.place(struct.pack(f">{len(cells)}I", *cells))
        self.last_code = self.hypercall(stubs.RTAS_CALL, block)
        status, *results = self.memory.words(block + 12 + 4 * len(arguments), returns)
        return struct.unpack(">i", status.to_bytes(4, "big"))[0], *results
