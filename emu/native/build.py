"""Build the native core: cffi wraps exactly what core.h and x86.h declare."""

import re
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent


def declarations() -> str:
    """The headers for cffi, with the observers also declared as functions Python implements."""
    text = "".join((HERE / name).read_text() for name in ("core.h", "x86.h"))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return text + (
        'extern "Python" void interrupt_observed(void *, uint64_t, uint64_t, uint64_t, uint64_t);\n'
        'extern "Python" void instruction_traced(void *, uint64_t);\n'
        'extern "Python" void access_traced(void *, uint64_t, uint64_t, int, uint64_t);\n'
    )


ffibuilder = FFI()
ffibuilder.cdef(declarations())
ffibuilder.set_source(
    "emu.native._native",
    '#include <stddef.h>\n#include <stdint.h>\n#include "core.h"\n#include "x86.h"',
    sources=sorted(
        f"emu/native/{file.name}" for file in HERE.glob("*.c") if file.name != "_native.c"
    ),
    include_dirs=["emu/native"],
    depends=sorted(f"emu/native/{file.name}" for file in HERE.glob("*.h")),
    extra_compile_args=[
        *("-O2", "-std=gnu11", "-ffp-contract=off", "-Wall", "-Wextra"),
        # Calls between the files, and finding the core of this thread, are in every guest's way.
        *("-fvisibility=hidden", "-ftls-model=initial-exec"),
    ],
    libraries=["dl", "m"],
)

if __name__ == "__main__":
    ffibuilder.compile(verbose=True)
