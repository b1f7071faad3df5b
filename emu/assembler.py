"""The assembler: Power instructions as text to bytes at addresses.

    program = assemble(Path("hello.s").read_text(), name="hello.s", origin=0x100)
    memory[program.origin:] = program.image()

The language is GNU as's for PowerPC as far as it goes (its directives, its numeric labels, its
macros), with C's operator precedence.  Two passes: `layout.py` reads the source and gives every
statement its place, this file then encodes it.  The instructions are the tables in `isa`.

One source makes one program: `.text` lies at the origin, then come `.rodata`, `.data`, other
sections in the order in which they appear, and `.bss`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from .bits import ByteOrder
from .diagnostics import AssemblyError, Diagnostic, Mistake, SourceLine, Undefined
from .directives import SIZES
from .encoder import encode
from .expressions import Address, Register, number
from .layout import Item, Layout, SectionLayout, TooManyMistakes
from .program import Program, Section
from .source import Include, include_from
from .syntax import Assignment, Command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .symbols import SymbolTable

__all__ = ["AssemblyError", "Diagnostic", "Program", "Section", "assemble", "include_from"]


def assemble(
    source: str,
    *,
    name: str = "<source>",
    origin: int = 0,
    byte_order: ByteOrder = ByteOrder.BIG,
    include: Include | None = None,
) -> Program:
    """Assemble `source` to lie at `origin`, a multiple of 4.

    `name` stands in messages.  `byte_order` holds for instructions and data, up to a `.little`
    or `.big`; if it is little, `__LITTLE_ENDIAN__` is defined.  `include` gives the text of a
    file named by `.include` (`include_from(directory)` is one) and may raise OSError or
    LookupError.  Raises `AssemblyError` with all that is wrong.
    """
    if origin % 4 or not 0 <= origin < 2**64:
        raise ValueError(f"origin {origin:#x}: a multiple of 4 below 2**64 is wanted")
    layout = Layout(origin, byte_order, include)
    try:
        layout.read(name, source)
        sections = layout.in_order()
        bases = _bases(sections, origin)
        layout.symbols.fix(bases)
        _emit(layout)
    except TooManyMistakes:
        pass
    if layout.diagnostics:
        raise AssemblyError(_sorted(layout.diagnostics))
    return _program(layout, name, origin, byte_order, bases)


def _bases(sections: Sequence[SectionLayout], origin: int) -> dict[str, int]:
    """Where each section lies: one after another, each at its alignment."""
    bases, address = {}, origin
    for section in sections:
        if section.name != ".text":
            address += -address % section.alignment
        bases[section.name] = address
        address += section.size
    return bases


def _emit(layout: Layout) -> None:
    """The second pass: every item in its turn, with every address known."""
    undefined_is_news = not layout.diagnostics
    symbols = layout.symbols
    for item in layout.items:
        symbols.here = Address(item.section.name, item.offset)
        symbols.statement = item.statement
        try:
            _emit_item(item, symbols)
        except Undefined as undefined:
            if undefined_is_news:
                layout.report(item.line, undefined)
        except Mistake as mistake:
            layout.report(item.line, mistake)


def _emit_item(item: Item, symbols: SymbolTable) -> None:
    match item.payload:
        case bytes() as data:
            if not item.section.nobits:
                item.section.data += data
        case Command() as command if command.name in SIZES:
            item.section.data += _values(command, item.byte_order, symbols)
        case Command() as command:
            order = item.byte_order.name_for_int
            for word in encode(command, symbols):
                item.section.data += word.to_bytes(4, order)
        case Assignment() as assignment:
            symbols.assign(assignment.name, assignment.expression, assignment.column)


def _values(command: Command, order: ByteOrder, symbols: SymbolTable) -> bytes:
    """The bytes of `.byte 1, 2, 3` and its like."""
    size, out = SIZES[command.name], b""
    most = 256**size
    for argument in command.arguments:
        value = number(argument.expression, symbols)
        if isinstance(value, Register):
            raise Mistake(f"{value.name} stands where a value is wanted", argument.column)
        if argument.in_parentheses or not -most // 2 <= value < most:
            limits = f"{-most // 2} to {most - 1} would"
            raise Mistake(f"{value} does not fit {command.name}: {limits}", argument.column)
        out += (value % most).to_bytes(size, order.name_for_int)
    return out


def _sorted(diagnostics: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """By line, if they are all of one file; else as they were found."""
    if len({diagnostic.line.file for diagnostic in diagnostics}) == 1:
        return tuple(sorted(diagnostics, key=lambda d: (d.line.number, d.column)))
    return tuple(diagnostics)


def _program(
    layout: Layout, name: str, origin: int, byte_order: ByteOrder, bases: dict[str, int]
) -> Program:
    sections = tuple(
        Section(
            built.name,
            bases[built.name],
            built.size,
            bytes(built.data),
            built.alignment,
            built.writable,
            built.executable,
        )
        for built in layout.in_order()
        if built.size
    )
    values = layout.symbols.values()
    entry = values.get("_start", origin)
    entry_order: ByteOrder | None = None
    lines: dict[int, SourceLine] = {}
    for item in layout.items:
        if isinstance(item.payload, bytes | Command):
            address = bases[item.section.name] + item.offset
            lines.setdefault(address, item.line)
            if address == entry and entry_order is None:
                entry_order = item.byte_order
    return Program(
        name=name,
        origin=origin,
        entry=entry,
        entry_order=entry_order or byte_order,
        byte_order=byte_order,
        sections=sections,
        symbols=MappingProxyType(values),
        labels=frozenset(layout.symbols.labels),
        lines=MappingProxyType(dict(sorted(lines.items()))),
        global_symbols=frozenset(layout.global_symbols),
    )
