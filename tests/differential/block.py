"""The block of storage that a case is: registers, then data, as the harness loads and stores them.

Everything stands in the byte order of the run.  The harness (`harness.py`) fills the registers
from a block, runs the case's instructions, and stores the registers into the same block.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emu.bits import ByteOrder

BLOCK_BYTES = 2048
SLOTS = 64
SLOT_BYTES = 128
BLOCKS, CODE, WORK, END = 0x80000, 0xA0000, 0xC0000, 0xC8000
"""Where the blocks and, behind them, their instructions lie: one batch; storage of the harness."""
BATCH_BYTES = SLOTS * (BLOCK_BYTES + SLOT_BYTES)
MOST_WORDS = 20
"""Instructions of a case; what else a slot holds leads back into the harness."""

# Offsets in a block.
GPRS, VSRS = 0, 256
CR, XER, LR, CTR, FPSCR, ENTRY, VSCR, OUTCOME, NIP = (
    *(1280, 1288, 1296, 1304, 1312, 1320),
    1328,
    *(1344, 1352),
)
DATA = 1408
DATA_BYTES = BLOCK_BYTES - DATA
_DOUBLEWORDS = {"cr": CR, "xer": XER, "lr": LR, "ctr": CTR, "fpscr": FPSCR}


@dataclass(slots=True)
class State:
    """What instructions see and change: VSRs and VSCR as 128-bit numbers."""

    gpr: list[int] = field(default_factory=lambda: [0] * 32)
    vsr: list[int] = field(default_factory=lambda: [0] * 64)
    cr: int = 0
    xer: int = 0
    lr: int = 0
    ctr: int = 0
    fpscr: int = 0
    vscr: int = 0
    data: bytes = bytes(DATA_BYTES)
    outcome: int = 0
    """The signal that a processor's user would get; 0: none."""
    nip: int = 0
    """Where, if there was one."""

    def copy(self) -> State:
        return replace(self, gpr=list(self.gpr), vsr=list(self.vsr))


def block_address(slot: int) -> int:
    return BLOCKS + slot * BLOCK_BYTES


def data_address(slot: int) -> int:
    return block_address(slot) + DATA


def code_address(slot: int) -> int:
    return CODE + slot * SLOT_BYTES


def pack(state: State, slot: int, order: ByteOrder) -> bytes:
    """`state` as block number `slot`."""
    name = order.name_for_int
    block = bytearray(BLOCK_BYTES)
    block[GPRS:VSRS] = b"".join(value.to_bytes(8, name) for value in state.gpr)
    block[VSRS:CR] = b"".join(value.to_bytes(16, name) for value in state.vsr)
    for register, at in _DOUBLEWORDS.items():
        block[at : at + 8] = getattr(state, register).to_bytes(8, name)
    block[ENTRY : ENTRY + 8] = code_address(slot).to_bytes(8, name)
    block[VSCR : VSCR + 16] = state.vscr.to_bytes(16, name)
    block[DATA:] = state.data
    return bytes(block)


def unpack(block: bytes, order: ByteOrder) -> State:
    name = order.name_for_int

    def number(at: int, size: int = 8) -> int:
        return int.from_bytes(block[at : at + size], name)

    return State(
        gpr=[number(GPRS + 8 * n) for n in range(32)],
        vsr=[number(VSRS + 16 * n, 16) for n in range(64)],
        **{register: number(at) for register, at in _DOUBLEWORDS.items()},
        vscr=number(VSCR, 16),
        data=bytes(block[DATA:]),
        outcome=number(OUTCOME),
        nip=number(NIP),
    )
