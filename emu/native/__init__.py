"""The parts of the machine whose call counts Python cannot carry, in C (compiled at install).

`core.h` is the whole interface, and `x86.h` lx86's; `build.py` compiles it.  What each file is for:

window.h        where Unicorn keeps the processor's state; window.c checks that it really does
unicorn_api.c   the dozen Unicorn functions used, looked up in the pinned library at run time
core.c          opening and closing a processor core, the run loop, register access
debug.c         stops for a debugger: breakpoints, watchpoints, single steps
operand.c       what storage an instruction accesses, for watchpoints
interpose.c     some of Unicorn's inner functions replaced: overwritten code, TLB misses, time
generate.c      what is generated into each translated block: counting it, leaving it
guard.c         a fault of the engine itself ends its core, not the process
clock.c         time: counted, or the host's (host_clock.c)
interrupts.c    delivery of guest interrupts, system calls, what the core cannot decode
processors.c    virtual processors taking turns on the core
state.c         the rest of a processor's state, for saving it
translation.c   filling the core's TLB: real mode and radix tree
storage.c       a partition's storage with guard pages around it
x86_decode.c    lx86: one x86 instruction, by tables that are given
x86_operand.c   lx86: its operands
x86_code.c      lx86: a program's instructions where they lie, and the flags they want
"""

from typing import Any

try:
    from . import _native  # type: ignore[attr-defined]
except ImportError as missing:
    raise ImportError(
        "pyphyp's C extension is not built: install the package with pip (a C compiler and the "
        "Python headers are needed), for example: pip install ."
    ) from missing

ffi: Any = _native.ffi
lib: Any = _native.lib

__all__ = ["ffi", "lib"]
