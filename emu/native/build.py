"""Build the native core: cffi wraps exactly what core.h declares."""

import re
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent
SOURCES = ("core.c", "interpose.c", "interrupts.c", "processors.c", "storage.c", "translation.c", "unicorn_api.c")


def declarations() -> str:
    """core.h for cffi, with the observers also declared as functions Python implements."""
    text = (HERE / "core.h").read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return text + (
        'extern "Python" void interrupt_observed(void *, uint64_t, uint64_t, uint64_t, uint64_t);\n'
        'extern "Python" void instruction_observed(void *, uint64_t);\n'
    )


ffibuilder = FFI()
ffibuilder.cdef(declarations())
ffibuilder.set_source(
    "emu.native._native",
    '#include <stddef.h>\n#include <stdint.h>\n#include "core.h"',
    sources=[f"emu/native/{name}" for name in SOURCES],
    include_dirs=["emu/native"],
    depends=[
        f"emu/native/{name}" for name in ("core.h", "internal.h", "interpose.h", "unicorn_api.h", "window.h")
    ],
    extra_compile_args=["-O2", "-std=gnu11", "-Wall", "-Wextra"],
    libraries=["dl"],
)

if __name__ == "__main__":
    ffibuilder.compile(verbose=True)
