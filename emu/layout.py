"""The first pass: what lies in which section, and how far from its start."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

from .bits import ByteOrder
from .diagnostics import Diagnostic, Mistake, SourceLine
from .directives import DIRECTIVES
from .encoder import instruction_count
from .expressions import Address, Expression, Number, number
from .reader import MAXIMUM_NESTING, Reader
from .symbols import SymbolTable
from .syntax import Assignment, Command, parse, parse_expression
from .values import slotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .source import Include, Statement

MAXIMUM_BYTES = 64 * 2**20  # of all sections
MAXIMUM_BSS = 2**40
MAXIMUM_DIAGNOSTICS = 20
NOP = 0x6000_0000
LITTLE_ENDIAN_SYMBOL = "__LITTLE_ENDIAN__"  # as the C preprocessor of gcc for PowerPC has it

# Order in the image, and whether writable, executable, without bytes.
_KNOWN_SECTIONS = {
    ".text": (0, False, True, False),
    ".rodata": (1, False, False, False),
    ".data": (2, True, False, False),
    ".bss": (4, True, False, True),
}
_OTHER_SECTION = 3


class TooManyMistakes(Exception):  # noqa: N818 - caught by `assemble`
    """Nobody reads on after twenty."""


@slotted
class SectionLayout:
    """One section while it grows."""

    name: str
    order: int
    writable: bool
    executable: bool
    nobits: bool
    alignment: int = 4
    size: int = 0
    data: bytearray = field(default_factory=bytearray)


class Item(NamedTuple):
    """What the second pass has to do, and where: `payload` is ready bytes (none in `.bss`),
    a command to encode or an assignment to repeat."""

    line: SourceLine
    statement: int
    section: SectionLayout
    offset: int
    byte_order: ByteOrder
    payload: bytes | Command | Assignment


class Layout:
    """The state of the first pass; the directives act on it."""

    def __init__(self, origin: int, byte_order: ByteOrder, include: Include | None) -> None:
        self.origin, self.byte_order = origin, byte_order
        self.symbols = SymbolTable()
        if byte_order is ByteOrder.LITTLE:
            self.symbols.assign(LITTLE_ENDIAN_SYMBOL, Number(0, 1), 0, once=True)
        self.sections: dict[str, SectionLayout] = {}
        self.items: list[Item] = []
        self.diagnostics: list[Diagnostic] = []
        self.global_symbols: set[str] = set()
        self._reader = Reader(self, include)
        self._bytes = 0
        self._line = SourceLine("", 0, "")
        self._stack: list[SectionLayout] = []
        self.section = self._previous = self._open(".text", "")

    def read(self, name: str, text: str) -> None:
        """Lay out a whole source."""
        for statement in self._reader.read(name, text):
            try:
                self._statement(statement)
            except Mistake as mistake:
                self.report(statement.line, mistake)

    # What the reader asks

    def evaluate(self, text: str, column: int) -> int:
        """A number that must be known by now."""
        try:
            return number(parse_expression(text), self._scope())
        except Mistake as mistake:
            raise Mistake(mistake.message, column + mistake.column - 1) from None

    def defined(self, name: str) -> bool:
        return self.symbols.defined(name)

    def report(self, line: SourceLine, mistake: Mistake) -> None:
        self.diagnostics.append(Diagnostic(line, mistake.column, mistake.message))
        if len(self.diagnostics) >= MAXIMUM_DIAGNOSTICS:
            raise TooManyMistakes

    # Statements

    def _scope(self) -> SymbolTable:
        self.symbols.here = Address(self.section.name, self.section.size)
        return self.symbols

    def _statement(self, statement: Statement) -> None:
        self._line = statement.line
        self.symbols.statement += 1
        parsed = parse(statement.text)
        symbols = self._scope()
        for label in parsed.labels:
            if isinstance(label.name, int):
                symbols.define_numeric(label.name)
            else:
                symbols.define_label(label.name, statement.line, label.column)
        match parsed.statement:
            case Assignment() as assignment:
                self.assign(assignment)
            case Command() as command if command.name.startswith("."):
                if (directive := DIRECTIVES.get(command.name)) is None:
                    raise Mistake(f"no directive '{command.name}'", command.column)
                directive(self, command)
            case Command() as command:
                self._instruction(command)

    def assign(self, assignment: Assignment) -> None:
        self.symbols.assign(
            assignment.name, assignment.expression, assignment.column, once=assignment.once
        )
        self._add(assignment)

    def _instruction(self, command: Command) -> None:
        if self.section.size % 4:
            at = f"offset {self.section.size:#x} of {self.section.name}"
            raise Mistake(f"an instruction at {at}: .align 2 is needed before it", command.column)
        words = instruction_count(command.name, len(command.arguments))
        self.place(command, 4 * (words or 1), command.column)  # the second pass tells of unknowns

    # What directives do

    def argument(self, command: Command, index: int, default: int | None = None) -> int:
        """Argument `index` as a number that must be known by now."""
        if index >= len(command.arguments):
            if default is None:
                raise Mistake(f"{command.name} wants {index + 1} or more operands", command.column)
            return default
        return number(command.arguments[index].expression, self._scope())

    def place(self, payload: bytes | Command, size: int, column: int) -> None:
        """Append `size` bytes to the section."""
        if self.section.nobits:
            raise Mistake(f"{self.section.name} holds no bytes; .space is possible", column)
        self._take(size, column)
        self._add(payload)
        self.section.size += size

    def skip(self, size: int, fill: int, column: int) -> None:
        """Append `size` bytes of `fill`."""
        if self.section.nobits:
            if fill:
                raise Mistake(f"{self.section.name} holds only zeros", column)
            self._take(size, column)
            self._add(b"")
            self.section.size += size
            return
        self._take(0, column, size)
        self.place(bytes((fill % 256,)) * size, size, column)

    def pad_to(self, alignment: int, fill: int | None, column: int) -> None:
        """Append bytes up to an address that is a multiple of `alignment`."""
        section = self.section
        section.alignment = max(section.alignment, alignment)
        base = self.origin if section.name == ".text" else 0
        size = -(base + section.size) % alignment
        if section.executable and fill is None and size % 4 == 0:
            self._take(0, column, size)
            nop = NOP.to_bytes(4, self.byte_order.name_for_int)
            self.place(nop * (size // 4), size, column)
        else:
            self.skip(size, fill or 0, column)

    def enter(self, name: str, flags: str = "") -> None:
        """Go on in section `name`."""
        self._previous, self.section = self.section, self._open(name, flags)

    def push(self) -> None:
        """Remember the section; `pop` returns to it."""
        if len(self._stack) >= MAXIMUM_NESTING:
            raise Mistake(f"more than {MAXIMUM_NESTING} sections are pushed")
        self._stack.append(self.section)

    def pop(self, column: int) -> None:
        if not self._stack:
            raise Mistake(".popsection without .pushsection", column)
        self._previous, self.section = self.section, self._stack.pop()

    def go_back(self) -> None:
        """Return to the section before this one."""
        self._previous, self.section = self.section, self._previous

    def move_to(self, expression: Expression, fill: int) -> None:
        """Go on at an offset within the section, or at an address in it."""
        target = expression.evaluate(self._scope())
        if isinstance(target, Address):
            if target.section != self.section.name:
                raise Mistake(f".org leads into {target.section}", expression.column)
            target = target.offset
        if target < self.section.size:
            now = f"{self.section.name} has come to {self.section.size:#x} already"
            raise Mistake(f".org {target:#x} leads back: {now}", expression.column)
        self.skip(target - self.section.size, fill, expression.column)

    def _open(self, name: str, flags: str) -> SectionLayout:
        known = self.sections.get(name)
        if known is None:
            root = "." + name.split(".")[1] if name.startswith(".") else name
            facts = _KNOWN_SECTIONS.get(root, (_OTHER_SECTION, "w" in flags, "x" in flags, False))
            known = self.sections[name] = SectionLayout(name, *facts)
        return known

    def _take(self, size: int, column: int, wanted: int = 0) -> None:
        """Count bytes against what a source may make; `wanted` are only looked at."""
        if self.section.nobits:
            if self.section.size + size > MAXIMUM_BSS:
                raise Mistake(f"{self.section.name} would exceed {MAXIMUM_BSS} bytes", column)
            return
        if self._bytes + size + wanted > MAXIMUM_BYTES:
            limit = f"a program holds up to {MAXIMUM_BYTES} bytes"
            raise Mistake(f"{size + wanted} bytes more are too many: {limit}", column)
        self._bytes += size

    def _add(self, payload: bytes | Command | Assignment) -> None:
        place = (self.symbols.statement, self.section, self.section.size)
        self.items.append(Item(self._line, *place, self.byte_order, payload))

    def in_order(self) -> Sequence[SectionLayout]:
        """The sections as they follow each other in storage."""
        return sorted(self.sections.values(), key=lambda section: section.order)
