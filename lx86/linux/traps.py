"""Which signal an exception of the processor is (Linux arch/x86/kernel/traps.c, by effect)."""

from __future__ import annotations

from signal import SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP
from typing import TYPE_CHECKING

from lx86.cpu import Access, Fault, Trap, Vector
from lx86.storage import Page

from .signals import Code, Signal

if TYPE_CHECKING:
    from lx86.cpu import Cpu
    from lx86.storage import Storage

PAGE_FAULT = 14
_USER = 4
_ERROR = {Access.READ: _USER, Access.WRITE: _USER | 2, Access.EXECUTE: _USER | 16}
_THEN = {
    Access.READ: Page.READ_THEN | Page.WRITE_THEN | Page.EXECUTE_THEN,
    Access.WRITE: Page.WRITE_THEN,
    Access.EXECUTE: Page.EXECUTE_THEN,
}
_MAPPING_ERROR, _PERMISSION_ERROR, _NO_SUCH_ADDRESS = 1, 2, 2
_INT_DIVIDE, _TRACE, _ILLEGAL_OPERAND, _ALIGNMENT = 1, 2, 2, 1


def of_fault(fault: Fault, storage: Storage) -> Signal:
    above = fault.address >> 47
    if above not in (0, 0x1_FFFF) and fault.access is not Access.EXECUTE:  # not canonical
        return Signal(SIGSEGV, Code.KERNEL, trap=Vector.GENERAL_PROTECTION)
    page = storage.kind(fault.address)
    error, at = _ERROR[fault.access], fault.address.to_bytes(storage.word, "little")
    number, code = SIGSEGV, _MAPPING_ERROR
    if above:
        error |= 1  # Linux does not tell what there is above a program's addresses
    if page & Page.BEYOND_FILE and page & _THEN[fault.access]:
        number, code = SIGBUS, _NO_SUCH_ADDRESS
    elif page:
        code = _PERMISSION_ERROR
        if page & (Page.READ | Page.WRITE | Page.EXECUTE):
            error |= 1  # Linux marks pages without any permission as not present
    return Signal(number, code, at, 0, PAGE_FAULT, error, fault.address)


def of_trap(found: Trap, cpu: Cpu) -> Signal:
    vector, error = found.vector, found.error
    at = cpu.state.eip.to_bytes(8 if cpu.state.long else 4, "little")
    match vector:
        case Vector.DIVIDE_ERROR:
            return Signal(SIGFPE, _INT_DIVIDE, at, trap=vector)
        case Vector.DEBUG:
            return Signal(SIGTRAP, _TRACE, at, trap=vector)
        case Vector.BREAKPOINT:
            return Signal(SIGTRAP, Code.KERNEL, trap=vector)
        case Vector.INVALID_OPCODE:
            return Signal(SIGILL, _ILLEGAL_OPERAND, at, trap=vector)
        case Vector.X87_ERROR:
            floating = cpu.floating()
            code = _floating_code(floating.status & ~floating.control)
            return Signal(SIGFPE, code, at, trap=vector)
        case Vector.SIMD_ERROR:
            mxcsr = cpu.floating().mxcsr
            return Signal(SIGFPE, _floating_code(mxcsr & ~(mxcsr >> 7)), at, trap=vector)
        case Vector.ALIGNMENT:
            return Signal(SIGBUS, _ALIGNMENT, at, trap=vector)
        case Vector.SEGMENT_NOT_PRESENT | Vector.STACK:
            return Signal(SIGBUS, Code.KERNEL, trap=vector, trap_error=error)
        case _:  # general protection, BOUND, INTO
            return Signal(SIGSEGV, Code.KERNEL, trap=vector, trap_error=error)


def _floating_code(exceptions: int) -> int:
    """si_code of unmasked exceptions: invalid, divide, overflow, underflow or denormal, inexact."""
    for mask, code in ((1, 7), (4, 3), (8, 4), (0x12, 5), (0x20, 6)):
        if exceptions & mask:
            return code
    return 0
