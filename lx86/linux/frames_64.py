"""Signal frames of 64-bit programs: Linux's struct rt_sigframe of x86-64.

Above it lies what FXSAVE stores with 64-bit pointers (SDM volume 1, 10.5.1); CPUID has no XSAVE, so
there is nothing behind that.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lx86.cpu import EFLAGS_ALWAYS, USER_CODE_64, USER_DATA, FloatingState
from lx86.storage import WRITE, StorageFault

from .signals import ActionFlag

if TYPE_CHECKING:
    from .signals import Action, Signal
    from .thread import Thread

RED_ZONE = 128
"""So much below RSP is a function's own (System V ABI, AMD64 supplement, 3.2.2)."""
_FLOATING = struct.Struct("<HHBxHQQII")
_FLOATING_SIZE = 512
_GENERAL = (
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "edi", "esi", "ebp", "ebx", "edx", "eax",
    "ecx", "esp", "eip", "eflags",
)  # fmt: skip
_CONTEXT = struct.Struct("<18Q 4H 4Q Q 64x")
_UCONTEXT = struct.Struct("<2Q QI4xQ")
_INFO_SIZE = 128
_INFO = 8 + _UCONTEXT.size + _CONTEXT.size + 8
_FRAME = _INFO + _INFO_SIZE
_SS_IS_THERE = 6
"""uc_flags: UC_SIGCONTEXT_SS and UC_STRICT_RESTORE_SS."""


def deliver(
    thread: Thread, signal: Signal, action: Action, top: int, mask: int, stack: tuple[int, int, int]
) -> None:
    """Have the thread run the handler; its frame lies below `top`, `stack` is what uc_stack says.

    Raises `StorageFault` if that is nowhere, or if the handler has no way back.
    """
    state, storage = thread.state, thread.process.storage
    if not action.flags & ActionFlag.RESTORER:
        raise StorageFault(0)
    floating_at = (top - _FLOATING_SIZE) & -64
    at = ((floating_at - _FRAME) & -16) - 8
    info, user = at + _INFO, at + 8
    context = _CONTEXT.pack(
        *(getattr(state, name) for name in _GENERAL), state.cs, state.gs, state.fs, state.ss,
        signal.trap_error, signal.trap, mask, signal.address, floating_at,
    )  # fmt: skip
    frame = action.restorer.to_bytes(8, "little") + _UCONTEXT.pack(_SS_IS_THERE, 0, *stack)
    frame += context + mask.to_bytes(8, "little") + signal.pack(8)
    storage.view(at, floating_at + _FLOATING_SIZE - at, WRITE)
    storage.write(floating_at, pack_floating(thread.process.cpu.floating()))
    storage.write(at, frame)
    state.eax, state.edi, state.esi, state.edx = 0, signal.number, info, user
    state.esp, state.eip = at, action.handler
    state.cs, state.ss = USER_CODE_64, USER_DATA


def rt_sigreturn(thread: Thread, flags_of_programs: int) -> tuple[int, tuple[int, int, int]]:
    """Go on as the frame at RSP says; gives the mask and uc_stack.  Raises `StorageFault`."""
    state, storage = thread.state, thread.process.storage
    user = storage.read(state.esp, _INFO - 8)
    stack = _UCONTEXT.unpack_from(user)[2:]
    fields = _CONTEXT.unpack_from(user, _UCONTEXT.size)
    values = dict(zip(_GENERAL, fields, strict=False))
    code, data, floating_at = fields[18], fields[21], fields[26]
    selectors_are_ours = (code | 3, data | 3) == (USER_CODE_64, USER_DATA)
    if not selectors_are_ours or values["eip"] >= storage.end:
        raise StorageFault(values["eip"])
    floating = unpack_floating(storage.read(floating_at, _FLOATING_SIZE)) if floating_at else None
    for name, value in values.items():
        setattr(state, name, value)
    state.eflags = state.eflags & flags_of_programs | EFLAGS_ALWAYS
    thread.process.cpu.set_floating(floating or FloatingState())
    mask = int.from_bytes(user[_UCONTEXT.size + _CONTEXT.size :], "little")
    return mask, (stack[0], stack[1], stack[2])


def pack_floating(floating: FloatingState) -> bytes:
    """What FXSAVE stores."""
    top = floating.status >> 11 & 7
    short_tags = sum(1 << n for n in range(8) if floating.tags >> 2 * n & 3 != 3)
    image = _FLOATING.pack(
        floating.control, floating.status, short_tags, floating.opcode, floating.instruction,
        floating.operand, floating.mxcsr, 0xFFFF,
    )  # fmt: skip
    stack = [floating.registers[(top + n) % 8] for n in range(8)]
    image += b"".join(value.to_bytes(16, "little") for value in stack + floating.xmm)
    return image.ljust(_FLOATING_SIZE, b"\0")


def unpack_floating(data: bytes) -> FloatingState:
    """What FXRSTOR loads; tags are those of values that are there (SDM volume 1, 10.5.1.1)."""
    control, status, short_tags, opcode, instruction, operand, mxcsr, _ = _FLOATING.unpack_from(
        data
    )
    words = [int.from_bytes(data[n : n + 16], "little") for n in range(32, 416, 16)]
    top = status >> 11 & 7
    registers, tags = [0] * 8, 0
    for n in range(8):
        registers[(top + n) % 8] = words[n] & (1 << 80) - 1
    for n, value in enumerate(registers):
        tags |= (_tag(value) if short_tags >> n & 1 else 3) << 2 * n
    return FloatingState(
        control, status, tags, opcode & 0x7FF, instruction, operand, registers, mxcsr & 0xFFFF,
        words[8:],
    )  # fmt: skip


def _tag(value: int) -> int:
    """0 for a normal number, 1 for zero, 2 for all others (SDM volume 1, 8.1.7)."""
    exponent, mantissa = value >> 64 & 0x7FFF, value & (1 << 64) - 1
    if not exponent and not mantissa:
        return 1
    return 0 if 0 < exponent < 0x7FFF and mantissa >> 63 else 2
