"""`pyphyp asm` and `pyphyp dis`: Power instructions as text and as words."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyphyp.messages import complain

from .boot import FILE
from .status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emu.program import Program

_ELF = b"\x7fELF"
_ELF_DATA, _ELF_LITTLE = 5, 1


class Number(click.ParamType):  # type: ignore[type-arg]
    """A number in C's notation: 4096, 0x1000."""

    name = "number"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        try:
            return value if isinstance(value, int) else int(value, 0)
        except ValueError:
            self.fail(f"{value!r} is no number: 4096 or 0x1000, for example, would be", param, ctx)


def assemble_file(path: Path, *, little: bool = False, origin: int = 0) -> Program:
    """Assemble the source `path`; it may include what lies beside it."""
    from emu.assembler import assemble, include_from
    from emu.bits import ByteOrder

    return assemble(
        path.read_text(encoding="utf-8"),
        name=str(path),
        origin=origin,
        byte_order=ByteOrder.LITTLE if little else ByteOrder.BIG,
        include=include_from(path.parent),
    )


@click.command("asm")
@click.argument("file", type=FILE)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to.")
@click.option("--flat", "form", flag_value="flat", help="The bytes alone.")
@click.option("--elf", "form", flag_value="elf", help="An ELF executable.")
@click.option("--listing", "form", flag_value="listing", help="Addresses, words and source.")
@click.option("--little", is_flag=True, help="Little-endian.")
@click.option("--origin", type=Number(), default=0, help="Address of the first byte.")
def asm(file: Path, output: Path | None, form: str | None, little: bool, origin: int) -> int:
    """Assemble FILE.

    Without a form asked for: a listing on standard output; into a file, ELF if its name ends in
    .elf, else the bytes alone.

    \b
    Examples:
      pyphyp asm hello.s
      pyphyp asm hello.s -o hello.elf
    """
    from emu.assembler import AssemblyError

    try:
        program = assemble_file(file, little=little, origin=origin)
    except AssemblyError as wrong:
        click.echo(str(wrong), err=True)
        return Status.ERROR
    except ValueError as wrong:
        complain(str(wrong))
        return Status.ERROR
    if form is None:
        named_elf = output is not None and output.suffix == ".elf"
        form = "listing" if output is None else "elf" if named_elf else "flat"
    match form:
        case "listing":
            data = (program.listing() + "\n").encode()
        case "elf":
            data = program.elf()
        case _:
            data = program.image()
    if output is not None:
        output.write_bytes(data)
    elif form != "listing" and sys.stdout.isatty():
        complain("bytes do not belong on a terminal: name a file with -o")
        return Status.ERROR
    else:
        sys.stdout.buffer.write(data)
    return Status.OK


@click.command("dis")
@click.argument("file", type=FILE)
@click.option("--address", type=Number(), default=0, help="Where a flat file lies.")
@click.option("--little", is_flag=True, help="A flat file is little-endian.")
def dis(file: Path, address: int, little: bool) -> int:
    """Disassemble FILE: an ELF executable, or bytes alone.

    \b
    Examples:
      pyphyp dis hello.elf
      pyphyp dis hello.bin --address 0x100
    """
    from emu.bits import ByteOrder
    from emu.disassembler import disassemble, format_listing
    from firmware import elf

    data = file.read_bytes()
    pieces: Iterable[tuple[int, bytes]] = [(address, data)]
    if data.startswith(_ELF):
        try:
            segments = elf.parse(data).segments
        except elf.BootError as wrong:
            complain(f"{file}: {wrong}")
            return Status.ERROR
        pieces = [(segment.address, bytes(segment.data)) for segment in segments]
        little = data[_ELF_DATA] == _ELF_LITTLE
    order = ByteOrder.LITTLE if little else ByteOrder.BIG
    for start, code in pieces:
        instructions = disassemble(code, start, order)
        # A kernel has millions of words: print while we go.
        while batch := list(itertools.islice(instructions, 4096)):
            click.echo(format_listing(iter(batch)))
    return Status.OK


COMMANDS = {"asm": asm, "dis": dis}
