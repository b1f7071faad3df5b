"""What each directive does in the first pass; names and meaning are those of GNU as for PowerPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .bits import ByteOrder
from .diagnostics import Mistake
from .expressions import Expression, Symbol, Text
from .syntax import Assignment, Command

if TYPE_CHECKING:
    from collections.abc import Callable


class Assembly(Protocol):
    """What directives need of the first pass (`layout.Layout`)."""

    byte_order: ByteOrder
    global_symbols: set[str]

    def argument(self, command: Command, index: int, default: int | None = None) -> int: ...
    def assign(self, assignment: Assignment) -> None: ...
    def place(self, payload: bytes | Command, size: int, column: int) -> None: ...
    def skip(self, size: int, fill: int, column: int) -> None: ...
    def pad_to(self, alignment: int, fill: int | None, column: int) -> None: ...
    def move_to(self, expression: Expression, fill: int) -> None: ...
    def enter(self, name: str, flags: str = "") -> None: ...
    def push(self) -> None: ...
    def pop(self, column: int) -> None: ...
    def go_back(self) -> None: ...


# Bytes of each value of a data directive.
SIZES = {
    ".byte": 1, ".short": 2, ".half": 2, ".hword": 2, ".2byte": 2, ".long": 4, ".int": 4,
    ".4byte": 4, ".quad": 8, ".llong": 8, ".8byte": 8,
}  # fmt: skip
_LARGEST_ALIGNMENT = 2**24


def _data(assembly: Assembly, command: Command) -> None:
    size = SIZES[command.name] * len(command.arguments)
    assembly.place(command, size, command.column)


def _strings(command: Command, terminator: bytes) -> bytes:
    out = b""
    for argument in command.arguments:
        if not isinstance(argument.expression, Text):
            raise Mistake(f"{command.name} takes strings in quotes", argument.column)
        out += argument.expression.value + terminator
    return out


def _ascii(assembly: Assembly, command: Command) -> None:
    data = _strings(command, b"")
    assembly.place(data, len(data), command.column)


def _asciz(assembly: Assembly, command: Command) -> None:
    data = _strings(command, b"\0")
    assembly.place(data, len(data), command.column)


def _space(assembly: Assembly, command: Command) -> None:
    size, fill = assembly.argument(command, 0), assembly.argument(command, 1, 0)
    if size < 0:
        raise Mistake(f"{command.name} {size}: a size is wanted", command.arguments[0].column)
    _check_byte(command, fill)
    assembly.skip(size, fill, command.column)


def _fill(assembly: Assembly, command: Command) -> None:
    count, size = assembly.argument(command, 0), assembly.argument(command, 1, 1)
    value = assembly.argument(command, 2, 0)
    if count < 0 or not 0 <= size <= 8:
        raise Mistake(".fill count, size, value: a size of 0 to 8 bytes is wanted", command.column)
    assembly.skip(0, 0, command.column)
    if count * size > 2**26:
        raise Mistake(f".fill of {count * size} bytes: up to {2**26} are possible", command.column)
    data = (value % 256**size).to_bytes(size, assembly.byte_order.name_for_int)
    assembly.place(data * count, count * size, command.column)


def _check_byte(command: Command, fill: int) -> None:
    if not -128 <= fill <= 255:
        raise Mistake(f"{fill} does not fill bytes: -128 to 255 would", command.column)


def _align(assembly: Assembly, command: Command) -> None:
    """`.align 3` is a multiple of 8, as with GNU as for PowerPC."""
    power = assembly.argument(command, 0, 2)
    if not 0 <= power <= 24:
        column = command.arguments[0].column
        raise Mistake(f"{command.name} {power}: a power of two is wanted, 0 to 24", column)
    _pad(assembly, command, 2**power)


def _balign(assembly: Assembly, command: Command) -> None:
    alignment = assembly.argument(command, 0, 4)
    if not 1 <= alignment <= _LARGEST_ALIGNMENT or alignment.bit_count() != 1:
        column = command.arguments[0].column
        wanted = f"a power of two up to {_LARGEST_ALIGNMENT} is wanted"
        raise Mistake(f"{command.name} {alignment}: {wanted}", column)
    _pad(assembly, command, alignment)


def _pad(assembly: Assembly, command: Command, alignment: int) -> None:
    fill = None
    if len(command.arguments) > 1:
        fill = assembly.argument(command, 1)
        _check_byte(command, fill)
    assembly.pad_to(alignment, fill, command.column)


def _org(assembly: Assembly, command: Command) -> None:
    assembly.argument(command, 1, 0)
    if not command.arguments:
        raise Mistake(".org wants an offset within the section", command.column)
    assembly.move_to(command.arguments[0].expression, assembly.argument(command, 1, 0))


def _name(command: Command, index: int) -> str:
    expression = command.arguments[index].expression if len(command.arguments) > index else None
    match expression:
        case Symbol(name=name):
            return name
        case Text(value=value):
            return value.decode(errors="replace")
    raise Mistake(f"{command.name} wants a name", command.column)


def _set(assembly: Assembly, command: Command) -> None:
    if len(command.arguments) != 2:
        raise Mistake(f"{command.name} wants two operands: name, expression", command.column)
    column, name = command.arguments[0].column, _name(command, 0)
    expression = command.arguments[1].expression
    assembly.assign(Assignment(column, name, expression, command.name == ".equiv"))


def _global(assembly: Assembly, command: Command) -> None:
    assembly.global_symbols.update(_name(command, n) for n in range(len(command.arguments)))


def _section(assembly: Assembly, command: Command) -> None:
    flags = _name(command, 1) if len(command.arguments) > 1 else ""
    assembly.enter(_name(command, 0), flags)


def _named_section(assembly: Assembly, command: Command) -> None:
    assembly.enter(command.name)


def _push_section(assembly: Assembly, command: Command) -> None:
    assembly.push()
    _section(assembly, command)


def _pop_section(assembly: Assembly, command: Command) -> None:
    assembly.pop(command.column)


def _previous(assembly: Assembly, command: Command) -> None:
    assembly.go_back()


def _little(assembly: Assembly, command: Command) -> None:
    """This project's own: what follows, instructions and data, is little-endian."""
    assembly.byte_order = ByteOrder.LITTLE


def _big(assembly: Assembly, command: Command) -> None:
    assembly.byte_order = ByteOrder.BIG


def _error(assembly: Assembly, command: Command) -> None:
    text = _name(command, 0) if command.arguments else ".err"
    raise Mistake(text, command.column)


def _ambiguous_word(assembly: Assembly, command: Command) -> None:
    raise Mistake(".word is 2 or 4 bytes, depending on whom one asks; .half or .long is clear")


def _nothing(assembly: Assembly, command: Command) -> None:
    """Accepted for the sake of sources written for GNU as."""


DIRECTIVES: dict[str, Callable[[Assembly, Command], None]] = {
    **dict.fromkeys(SIZES, _data),
    ".ascii": _ascii,
    **dict.fromkeys((".asciz", ".string"), _asciz),
    **dict.fromkeys((".space", ".skip", ".zero"), _space),
    ".fill": _fill,
    **dict.fromkeys((".align", ".p2align"), _align),
    ".balign": _balign,
    ".org": _org,
    **dict.fromkeys((".set", ".equ", ".equiv"), _set),
    **dict.fromkeys((".global", ".globl"), _global),
    **dict.fromkeys((".text", ".rodata", ".data", ".bss"), _named_section),
    ".section": _section,
    ".pushsection": _push_section,
    ".popsection": _pop_section,
    ".previous": _previous,
    ".little": _little,
    ".big": _big,
    **dict.fromkeys((".error", ".err"), _error),
    ".word": _ambiguous_word,
    **dict.fromkeys((".type", ".size", ".file", ".ident", ".machine", ".abiversion"), _nothing),
}
