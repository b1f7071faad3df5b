"""Unicorn's own x86 over a program's storage: the reference that translations are compared with.

Unicorn begins in privilege level 0; an IRET takes it to 3, so that what a program may not do traps.
What Unicorn would let through all the same (ports, SYSENTER) is refused by hooks.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import unicorn
from unicorn import x86_const as x86

from .architecture import I386, X86_64
from .cpu import (
    TLS_ENTRIES,
    UNLIMITED,
    USER_CODE,
    USER_CODE_64,
    USER_DATA,
    Access,
    EngineFailure,
    Exit,
    Fault,
    FloatingState,
    Preempted,
    SystemCall,
    Trap,
    Vector,
    X86State,
)
from .cpuid import DEFAULT, Model, More, cpuid
from .extents import Extents
from .storage import PAGE, Page, Storage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TABLES, _TABLES_64 = 0xFFFE_0000, 0x7FFF_FFFF_F000
"""A page behind the program's addresses that Unicorn alone looks at: descriptors, and an IRET."""
_IRET, _IRET_STACK = 0x800, 0x900
"""Where in that page."""
_KERNEL_CODE, _KERNEL_DATA, _KERNEL_CODE_64 = 0x08, 0x10, 0x18
_CR0, _CR4 = 0x0000_0033, 0x0000_0600
"""PE, MP, ET and NE: x87 errors trap; OSFXSR and OSXMMEXCPT: SSE is there, and its errors trap."""
_PAE = 0x20
_NOWHERE = 0xFFFF_FFFF
_LINUX = 0x80
_SYSCALL = b"\x0f\x05"

_OTHERS = ("eip", "eflags")
_SEGMENTS = ("cs", "ss", "ds", "es", "fs", "gs")
_BASES = ("fs_base", "gs_base")
_SEGMENT_IDS = [getattr(x86, f"UC_X86_REG_{name.upper()}") for name in _SEGMENTS]
_FLOATING = {
    "control": x86.UC_X86_REG_FPCW,
    "status": x86.UC_X86_REG_FPSW,
    "tags": x86.UC_X86_REG_FPTAG,
    "opcode": x86.UC_X86_REG_FOP,
    "instruction": x86.UC_X86_REG_FIP,
    "operand": x86.UC_X86_REG_FDP,
    "mxcsr": x86.UC_X86_REG_MXCSR,
}
_ACCESS = {
    unicorn.UC_MEM_READ_UNMAPPED: Access.READ,
    unicorn.UC_MEM_READ_PROT: Access.READ,
    unicorn.UC_MEM_WRITE_UNMAPPED: Access.WRITE,
    unicorn.UC_MEM_WRITE_PROT: Access.WRITE,
    unicorn.UC_MEM_FETCH_UNMAPPED: Access.EXECUTE,
    unicorn.UC_MEM_FETCH_PROT: Access.EXECUTE,
}


def _descriptor(access: int, kind: int = 0xCF) -> bytes:
    """A flat segment, of 32 bits or of 64-bit code (SDM volume 3, 3.4.5)."""
    return struct.pack("<II", 0xFFFF, access << 8 | kind << 16)


def _register_ids(names: Sequence[str], *, long: bool) -> list[int]:
    """Unicorn's numbers of fields of `X86State`."""
    wide = [name.replace("e", "r", 1) if long and name[0] == "e" else name for name in names]
    return [getattr(x86, f"UC_X86_REG_{name.upper()}") for name in wide]


def _protection(permissions: Page) -> int:
    """As hardware has it: what can be written or executed can be read."""
    protection: int = unicorn.UC_PROT_NONE
    if permissions & (Page.READ | Page.WRITE | Page.EXECUTE):
        protection |= unicorn.UC_PROT_READ
    if permissions & Page.WRITE:
        protection |= unicorn.UC_PROT_WRITE
    if permissions & Page.EXECUTE:
        protection |= unicorn.UC_PROT_EXEC
    return protection


def _unicorns(model: Model) -> int:
    """Unicorn's model that has at least what `model` has."""
    if model.more & More.MOVBE:
        return int(x86.UC_CPU_X86_HASWELL)
    if model.more & (More.AES | More.PCLMULQDQ):
        return int(x86.UC_CPU_X86_WESTMERE)
    later = model.more & (More.SSE41 | More.SSE42 | More.POPCNT)
    return int(x86.UC_CPU_X86_NEHALEM if later else x86.UC_CPU_X86_CORE2DUO)


class UnicornCpu:
    """A `Cpu`, of 32-bit or 64-bit programs as its storage is."""

    def __init__(self, storage: Storage, model: Model = DEFAULT) -> None:
        self._storage = storage
        self.model = model
        self.architecture = X86_64 if storage.word == 8 else I386
        long = self.architecture.long
        self._general = (*self.architecture.registers, *_OTHERS, *(_BASES if long else ()))
        self._general_ids = _register_ids(self._general, long=long)
        mode = unicorn.UC_MODE_64 if long else unicorn.UC_MODE_32
        self._uc: Any = unicorn.Uc(unicorn.UC_ARCH_X86, mode)
        self._uc.ctl_set_cpu_model(_unicorns(model))
        self._tables = _TABLES_64 if long else _TABLES
        self._uc.mem_map(self._tables, PAGE, unicorn.UC_PROT_ALL)
        segments = [
            (_KERNEL_CODE, 0x9A, 0xCF), (_KERNEL_DATA, 0x92, 0xCF),
            (USER_CODE, 0xFA, 0xCF), (USER_DATA, 0xF2, 0xCF),
        ]  # fmt: skip
        if long:
            segments += [(_KERNEL_CODE_64, 0x9A, 0xAF), (USER_CODE_64, 0xFA, 0xAF)]
        for selector, access, kind in segments:
            self._uc.mem_write(self._tables + (selector & ~7), _descriptor(access, kind))
        self._uc.reg_write(x86.UC_X86_REG_GDTR, (0, self._tables, PAGE - 1, 0))
        self._exit: Exit | None = None
        self._at: int | None = None
        self._add_hooks()
        self._enter_user_mode()
        self._fresh = self._uc.context_save()
        self._mapped = Extents()
        self._changed: list[tuple[int, int]] = [(0, storage.end)]
        self.state = X86State()
        if long:
            self.state = X86State(cs=USER_CODE_64, ds=0, es=0)
        self._segments = [0] * len(_SEGMENTS)
        self._tls = list(self.state.tls)
        storage.observe(self)

    def _add_hooks(self) -> None:
        add, instruction = self._uc.hook_add, unicorn.UC_HOOK_INSN
        add(unicorn.UC_HOOK_INTR, self._interrupt)
        add(unicorn.UC_HOOK_MEM_UNMAPPED | unicorn.UC_HOOK_MEM_PROT, self._refuse_access)
        add(instruction, self._cpuid, None, 1, 0, x86.UC_X86_INS_CPUID)
        add(instruction, self._port_in, None, 1, 0, x86.UC_X86_INS_IN)
        add(instruction, self._port_out, None, 1, 0, x86.UC_X86_INS_OUT)
        call = self._system_call if self.architecture.long else self._other_call
        add(instruction, call, None, 1, 0, x86.UC_X86_INS_SYSCALL)
        add(instruction, self._other_call, None, 1, 0, x86.UC_X86_INS_SYSENTER)

    def _enter_user_mode(self) -> None:
        iret, stack = self._tables + _IRET, self._tables + _IRET_STACK
        long, flags = self.architecture.long, X86State().eflags
        code = b"\x48\xcf" if long else b"\xcf"
        self._uc.mem_write(iret, code + b"\xcd\x80")
        selector = USER_CODE_64 if long else USER_CODE
        frame = (iret + len(code), selector, flags, stack, USER_DATA)
        self._uc.mem_write(stack, struct.pack("<5Q" if long else "<5I", *frame))
        self._uc.reg_write(x86.UC_X86_REG_CR0, _CR0)
        self._uc.reg_write(x86.UC_X86_REG_CR4, _CR4 | (_PAE if long else 0))
        self._uc.reg_write(x86.UC_X86_REG_CS, _KERNEL_CODE_64 if long else _KERNEL_CODE)
        self._uc.reg_write(x86.UC_X86_REG_SS, _KERNEL_DATA)
        self._uc.reg_write(_register_ids(["esp"], long=long)[0], stack)
        self._uc.emu_start(iret, _NOWHERE)
        for segment in () if long else (x86.UC_X86_REG_DS, x86.UC_X86_REG_ES):
            self._uc.reg_write(segment, USER_DATA)

    def on_instruction(self, call: Callable[[], None]) -> None:
        """Have something called before each instruction."""
        self._uc.hook_add(unicorn.UC_HOOK_CODE, lambda *_: call())

    def watch(self, before: Callable[[int], bool], stored: Callable[[int, int], None]) -> None:
        """Show each instruction's address, and each store's with its size.

        `before` says whether to come back (`Preempted`) instead of carrying out the instruction.
        """

        def instruction(uc: Any, address: int, _size: int, _: object) -> None:
            if self._exit is None and self._at is None and before(address):
                self._at = address
                uc.emu_stop()

        def store(_uc: Any, _kind: int, address: int, size: int, _value: int, _: object) -> None:
            stored(address, size)

        self._uc.hook_add(unicorn.UC_HOOK_CODE, instruction)
        self._uc.hook_add(unicorn.UC_HOOK_MEM_WRITE, store)

    def close(self) -> None:
        self._storage.observe(None)
        del self._uc

    # -- what the storage tells ------------------------------------------------------------

    def invalidate(self, start: int, length: int) -> None:
        self._uc.ctl_remove_cache(start, start + length)

    def mapping_changed(self, start: int, length: int) -> None:
        self._changed.append((start, length))

    def _map(self) -> None:
        """Have Unicorn's regions be what the storage's pages are."""
        flush = False
        for start, length in self._changed:
            for first, end, _ in list(self._mapped.within(start, start + length)):
                self._uc.mem_unmap(first, end - first)
                self._mapped.set(first, end, 0)
                flush = True
            for address, size, permissions in self._storage.runs(start, length):
                if not permissions & (Page.READ | Page.WRITE | Page.EXECUTE):
                    continue  # an access is refused as where nothing is
                pointer = self._storage.host(address)
                self._uc.mem_map_ptr(address, size, _protection(permissions), pointer)
                self._mapped.set(address, address + size, 1)
        self._changed.clear()
        if flush:
            self._uc.ctl_flush_tb()

    # -- state -----------------------------------------------------------------------------

    def floating(self) -> FloatingState:
        read = self._uc.reg_read
        state = FloatingState(**{name: read(number) for name, number in _FLOATING.items()})
        for n in range(8):
            mantissa, exponent = read(x86.UC_X86_REG_FP0 + n)
            state.registers[n] = exponent << 64 | mantissa
        for n in range(self.architecture.vectors):
            state.xmm[n] = read(x86.UC_X86_REG_XMM0 + n)
        return state

    def keep_stores_whole(self) -> None:
        pass

    def begin(self) -> None:
        pass

    def set_floating(self, floating: FloatingState) -> None:
        write = self._uc.reg_write
        for name, number in _FLOATING.items():
            write(number, getattr(floating, name))
        for n in range(8):
            value = floating.registers[n]
            write(x86.UC_X86_REG_FP0 + n, (value & (1 << 64) - 1, value >> 64))
        for n in range(self.architecture.vectors):
            write(x86.UC_X86_REG_XMM0 + n, floating.xmm[n])

    def _load_state(self) -> None:
        state = self.state
        if state.tls != self._tls:
            for entry, found in zip(TLS_ENTRIES, state.tls, strict=True):
                descriptor = bytes(8) if found is None else found.packed()
                self._uc.mem_write(self._tables + entry * 8, descriptor)
            self._tls = list(state.tls)
            self._segments = [-1] * len(_SEGMENTS)
        segments = [getattr(state, name) for name in _SEGMENTS]
        if segments != self._segments:
            for number, selector in zip(_SEGMENT_IDS[2:], segments[2:], strict=True):
                self._uc.reg_write(number, selector)
        values = [getattr(state, name) for name in self._general]
        self._uc.reg_write_batch(list(zip(self._general_ids, values, strict=True)))

    def _store_state(self) -> None:
        state = self.state
        values = self._uc.reg_read_batch(self._general_ids + _SEGMENT_IDS)
        for name, value in zip(self._general + _SEGMENTS, values, strict=True):
            setattr(state, name, value)
        self._segments = list(values[len(self._general) :])
        if self.architecture.long:
            return
        state.fs_base = state.segment_base(state.fs) or 0
        state.gs_base = state.segment_base(state.gs) or 0

    # -- running ---------------------------------------------------------------------------

    def run(self, budget: int) -> Exit:
        if self._changed:
            self._map()
        self._load_state()
        self._exit, self._at = None, None
        failure = None
        try:
            self._uc.emu_start(self.state.eip, _NOWHERE, 0, budget if budget < UNLIMITED else 0)
        except unicorn.UcError as error:
            failure = error
        self._store_state()
        if self._at is not None:
            self.state.eip = self._at
        why = self._exit
        if isinstance(why, SystemCall):
            return why
        if why is None and failure is None:
            return Preempted()
        self._forget_the_exception()
        if why is not None:
            return why
        assert failure is not None
        if failure.errno in (unicorn.UC_ERR_INSN_INVALID, unicorn.UC_ERR_EXCEPTION):
            return Trap(Vector.INVALID_OPCODE)
        return EngineFailure(f"unicorn: {failure}")

    def _forget_the_exception(self) -> None:
        """Unicorn takes a second exception for a double fault unless the first is done with."""
        floating = self.floating()
        self._uc.context_restore(self._fresh)
        self._segments = [-1] * len(_SEGMENTS)
        self.set_floating(floating)

    # -- what Unicorn calls ----------------------------------------------------------------

    def _stop(self, why: Exit, at: int | None = None) -> None:
        if self._exit is None:
            self._exit, self._at = why, at
        self._uc.emu_stop()

    def _interrupt(self, uc: Any, number: int, _: object) -> None:
        if number == _LINUX and not self.architecture.long:
            self._stop(SystemCall())
        elif number in Vector.__members__.values():
            self._stop(Trap(Vector(number)))
        else:  # no program may use another gate
            self._stop(Trap(Vector.GENERAL_PROTECTION), self._here() - 2)

    def _refuse_access(
        self, _uc: Any, kind: int, address: int, _size: int, _value: int, _: object
    ) -> bool:
        if self._exit is None:
            self._exit = Fault(address, _ACCESS[kind])
            if self.architecture.long and (address >> 47) + 1 & 0x1FFFE:  # not canonical
                self._exit = Trap(Vector.GENERAL_PROTECTION)
        return False

    def _cpuid(self, uc: Any, _: object) -> int:
        long = self.architecture.long
        numbers = _register_ids(("eax", "ebx", "ecx", "edx"), long=long)
        values = cpuid(uc.reg_read(x86.UC_X86_REG_EAX), self.model, long=long)
        uc.reg_write_batch(list(zip(numbers, values, strict=True)))
        return 1

    def _port_in(self, uc: Any, _port: int, _size: int, _: object) -> int:
        self._stop(Trap(Vector.GENERAL_PROTECTION), self._here())
        return int(uc.reg_read(x86.UC_X86_REG_EAX))

    def _port_out(self, uc: Any, _port: int, _size: int, _value: int, _: object) -> None:
        self._stop(Trap(Vector.GENERAL_PROTECTION), self._here())

    def _here(self) -> int:
        return int(self._uc.reg_read(_register_ids(["eip"], long=self.architecture.long)[0]))

    def _system_call(self, uc: Any, _: object) -> None:
        """SYSCALL: the way back is in RCX, the flags in R11 (SDM volume 2)."""
        behind = self._here() + len(_SYSCALL)
        uc.reg_write(x86.UC_X86_REG_RCX, behind)
        uc.reg_write(x86.UC_X86_REG_R11, uc.reg_read(x86.UC_X86_REG_RFLAGS))
        self._stop(SystemCall(), behind)

    def _other_call(self, uc: Any, _: object) -> None:
        self._stop(Trap(Vector.INVALID_OPCODE), self._here())
