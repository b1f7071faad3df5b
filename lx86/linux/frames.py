"""What a signal handler finds on its stack, and how the program goes on behind it.

The layouts here are Linux's for 32-bit programs (arch/x86/include/uapi/asm/sigcontext.h, and the
frames of arch/x86/kernel/signal_32.c); those of the floating-point state are FSAVE's with FXSAVE's
behind it (SDM volume 1, 8.1.10 and 10.5).  frames_64.py has those for 64-bit programs.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lx86.cpu import EFLAGS_ALWAYS, USER_CODE, USER_DATA, FloatingState
from lx86.host_segments import code_refusal, refusal
from lx86.instruction import SS
from lx86.storage import WRITE, StorageFault

from . import frames_64
from .memory import RT_SIGRETURN_OFFSET
from .signals import UNBLOCKABLE, ActionFlag, bit

if TYPE_CHECKING:
    from .signals import Action, Signal
    from .thread import Thread

_CONTEXT = struct.Struct("<4I 8I 2I I I I I I I I I")
_OLD_FPU = struct.Struct("<7I")
_FLOATING_SIZE = 112 + 512
_OLD_FRAME = 8 + _CONTEXT.size + _FLOATING_SIZE + 4 + 8
_INFO_SIZE = 128
_UCONTEXT = struct.Struct("<5I")
_RT_FRAME = 16 + _INFO_SIZE + _UCONTEXT.size + _CONTEXT.size + 8 + 8
_DIRECTION, _TRAP, _RESUME = 1 << 10, 1 << 8, 1 << 16
_FLAGS_OF_PROGRAMS = 0x0005_0DD5
"""What sigreturn takes over: OF, DF, TF, SF, ZF, AF, PF, CF, RF, AC."""
_FXSR_MAGIC = 0x0000
ONSTACK, DISABLE = 1, 2


def deliver(thread: Thread, signal: Signal, action: Action) -> None:
    """Have the thread run the handler of `signal`.  Raises `StorageFault` if its stack is gone."""
    state = thread.state
    long = thread.process.storage.word == 8
    top = state.esp - (frames_64.RED_ZONE if long else 0)
    sp, told, size = thread.alternate_stack
    on_it = size and sp <= top - 1 < sp + size
    if action.flags & ActionFlag.ONSTACK and size and not on_it:
        top = sp + size
    mask = thread.mask if thread.saved_mask is None else thread.saved_mask
    thread.saved_mask = None
    stack = (sp, told, size)
    deliver = frames_64.deliver if long else _deliver
    deliver(thread, signal, action, top, mask, stack)
    state.eflags &= ~(_DIRECTION | _TRAP | _RESUME)
    thread.mask |= action.mask & ~UNBLOCKABLE
    if not action.flags & ActionFlag.NODEFER:
        thread.mask |= bit(signal.number)


def _deliver(
    thread: Thread, signal: Signal, action: Action, top: int, mask: int, stack: tuple[int, int, int]
) -> None:
    state, storage = thread.state, thread.process.storage
    floating_at = (top - _FLOATING_SIZE) & -64
    floating = thread.process.cpu.floating()
    context = _pack_context(thread, signal, floating_at, mask)
    rt = bool(action.flags & ActionFlag.SIGINFO)
    at = ((floating_at - (_RT_FRAME if rt else _OLD_FRAME) + 4) & -16) - 4
    back = action.restorer
    if not action.flags & ActionFlag.RESTORER:
        back = thread.process.memory.layout.signal_page + (RT_SIGRETURN_OFFSET if rt else 0)
    if rt:
        info, user = at + 16, at + 16 + _INFO_SIZE
        frame = struct.pack("<4I", back, signal.number, info, user) + signal.pack(4)
        frame += _UCONTEXT.pack(0, 0, *stack) + context + mask.to_bytes(8, "little")
    else:
        info = user = 0
        frame = struct.pack("<II", back, signal.number) + context + bytes(_FLOATING_SIZE)
        frame += (mask >> 32).to_bytes(4, "little")
    storage.view(at, floating_at + _FLOATING_SIZE - at, WRITE)
    storage.write(floating_at, pack_floating(floating))
    storage.write(at, frame)
    state.eax, state.edx, state.ecx = signal.number, info, user
    state.esp, state.eip = at, action.handler
    state.cs, state.ss, state.ds, state.es = USER_CODE, USER_DATA, USER_DATA, USER_DATA


def sigreturn(thread: Thread) -> None:
    """`sigreturn`: back from a handler without SA_SIGINFO."""
    storage, at = thread.process.storage, (thread.state.esp - 8) & 0xFFFF_FFFF
    fields = _CONTEXT.unpack(storage.read(at + 8, _CONTEXT.size))
    extra = storage.read_word(at + 8 + _CONTEXT.size + _FLOATING_SIZE)
    _restore(thread, fields)
    thread.mask = (fields[20] | extra << 32) & ~UNBLOCKABLE


def rt_sigreturn(thread: Thread) -> None:
    if thread.process.storage.word == 8:
        mask, stack = frames_64.rt_sigreturn(thread, _FLAGS_OF_PROGRAMS)
    else:
        mask, stack = _rt_sigreturn(thread)
    thread.mask = mask & ~UNBLOCKABLE
    if not stack[1] & ~ONSTACK:
        thread.alternate_stack = (stack[0], 0, stack[2])


def _rt_sigreturn(thread: Thread) -> tuple[int, tuple[int, int, int]]:
    storage, at = thread.process.storage, (thread.state.esp - 4) & 0xFFFF_FFFF
    context = at + 16 + _INFO_SIZE
    _, _, sp, flags, size = _UCONTEXT.unpack(storage.read(context, _UCONTEXT.size))
    context += _UCONTEXT.size
    fields = _CONTEXT.unpack(storage.read(context, _CONTEXT.size))
    mask = int.from_bytes(storage.read(context + _CONTEXT.size, 8), "little")
    _restore(thread, fields)
    return mask, (sp, flags, size)


def _pack_context(thread: Thread, signal: Signal, floating_at: int, mask: int) -> bytes:
    s = thread.state
    return _CONTEXT.pack(
        s.gs, s.fs, s.es, s.ds, s.edi, s.esi, s.ebp, s.esp, s.ebx, s.edx, s.ecx, s.eax,
        signal.trap, signal.trap_error, s.eip, s.cs, s.eflags, s.esp, s.ss, floating_at,
        mask & 0xFFFF_FFFF, signal.address,
    )  # fmt: skip


def _restore(thread: Thread, fields: tuple[int, ...]) -> None:
    state = thread.state
    for name, value in zip(("gs", "fs", "es", "ds"), fields, strict=False):
        selector = value & 0xFFFF
        # What cannot be loaded is null, and traps when it is used.
        setattr(state, name, selector if state.segment_base(selector) is not None else 0)
    code, stack = fields[15] & 0xFFFF | 3, fields[18] & 0xFFFF | 3
    if code_refusal(state, code) or refusal(state, SS, stack):
        raise StorageFault(fields[14])
    state.cs, state.ss = code, stack
    state.fs_base = state.segment_base(state.fs) or 0
    state.gs_base = state.segment_base(state.gs) or 0
    (state.edi, state.esi, state.ebp, state.esp, state.ebx, state.edx, state.ecx, state.eax) = (
        fields[4:12]
    )
    state.eip = fields[14]
    state.eflags = fields[16] & _FLAGS_OF_PROGRAMS | EFLAGS_ALWAYS
    if fields[19]:
        data = thread.process.storage.read(fields[19], _FLOATING_SIZE)
        thread.process.cpu.set_floating(unpack_floating(data))


def pack_floating(floating: FloatingState) -> bytes:
    """struct _fpstate_32: FSAVE's picture, FXSAVE's behind it."""
    top = floating.status >> 11 & 7
    stack = [floating.registers[(top + n) % 8] for n in range(8)]
    old = _OLD_FPU.pack(
        floating.control | 0xFFFF_0000, floating.status | 0xFFFF_0000,
        floating.tags | 0xFFFF_0000, floating.instruction, floating.opcode << 16 | USER_CODE,
        floating.operand, 0xFFFF_0000 | USER_DATA,
    )  # fmt: skip
    old += b"".join(value.to_bytes(10, "little") for value in stack)
    old += (floating.status | _FXSR_MAGIC << 16).to_bytes(4, "little")
    short_tags = sum(1 << n for n in range(8) if floating.tags >> 2 * n & 3 != 3)
    new = struct.pack(
        "<HHBxHIIIIII", floating.control, floating.status, short_tags, floating.opcode,
        floating.instruction, USER_CODE, floating.operand, USER_DATA, floating.mxcsr, 0xFFFF,
    )  # fmt: skip
    new += b"".join(value.to_bytes(16, "little") for value in stack)
    new += b"".join(value.to_bytes(16, "little") for value in floating.xmm[:8])
    return old + new.ljust(512, b"\0")


def unpack_floating(data: bytes) -> FloatingState:
    """What a handler has left in the picture: the x87 part from FSAVE's, SSE's from FXSAVE's."""
    control, status, tags, instruction, opcode, operand, _ = _OLD_FPU.unpack(data[:28])
    top = status >> 11 & 7
    registers = [0] * 8
    for n in range(8):
        value = int.from_bytes(data[28 + 10 * n : 38 + 10 * n], "little")
        registers[(top + n) % 8] = value
    new = data[112:]
    xmm = [int.from_bytes(new[160 + 16 * n : 176 + 16 * n], "little") for n in range(8)] + [0] * 8
    return FloatingState(
        control & 0xFFFF, status & 0xFFFF, tags & 0xFFFF, opcode >> 16 & 0x7FF, instruction,
        operand, registers, int.from_bytes(new[24:28], "little") & 0xFFFF, xmm,
    )  # fmt: skip
