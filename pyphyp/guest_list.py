"""The toy kernels that ship with pyphyp: their names, their sources, what each shows."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from emu.program import Program


def sources() -> dict[str, Traversable]:
    """The source of each toy kernel by its name."""
    kernels = (f for f in files("guests").joinpath("bare").iterdir() if f.name.endswith(".s"))
    return {file.name.removesuffix(".s"): file for file in sorted(kernels, key=lambda f: f.name)}


def summary(source: Traversable) -> str:
    """The first line of a source: what the kernel does."""
    with source.open(encoding="utf-8") as lines:
        return lines.readline().strip().lstrip("#/*;").strip()


def assemble_toy(name: str, *, little: bool = False) -> Program:
    """The toy kernel `name`, in either byte order; KeyError if there is none."""
    from emu.assembler import assemble
    from emu.bits import ByteOrder

    source = sources()[name]
    bare = files("guests").joinpath("bare")

    def include(file: str) -> str:
        return bare.joinpath(file).read_text(encoding="utf-8")

    return assemble(
        source.read_text(encoding="utf-8"),
        name=source.name,
        byte_order=ByteOrder.LITTLE if little else ByteOrder.BIG,
        include=include,
    )
