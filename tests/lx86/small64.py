"""The programs of `small`, for x86-64: compiled by the host's own compiler."""

from __future__ import annotations

import functools
import platform
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from lx86.architecture import X86_64
from lx86.cpuid import DEFAULT, Model
from lx86.options import Options
from lx86.translating_cpu import TranslatingCpu

from . import small

if TYPE_CHECKING:
    from lx86.storage import Storage

COMPILER = "gcc" if platform.machine() == "x86_64" else "x86_64-linux-gnu-gcc"
FLAGS = [flag for flag in small.FLAGS if flag != "-march=i686"]


def available() -> bool:
    return shutil.which(COMPILER) is not None


def options(**changes: object) -> Options:
    return Options(architecture=X86_64, **changes)  # type: ignore[arg-type]


def translating(storage: Storage, model: Model = DEFAULT) -> TranslatingCpu:
    return TranslatingCpu(storage, model, options())


@functools.cache
def build(name: str, *flags: str) -> Path:
    """The x86-64 program of that name."""
    out = Path(small.directory().name) / "-".join((name, "64", *flags))
    sources = [str(small.SOURCES / f"{name}.c"), str(small.SOURCES / "small.c")]
    subprocess.run([COMPILER, *FLAGS, *flags, *sources, "-o", str(out)], check=True)
    return out
