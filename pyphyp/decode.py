"""Say in words what a guest calls with: numbers by what they are, strings as their text.

What a parameter is comes from its annotation (the kinds of `hypervisor.abi`) and, where cells are
plain integers, from its name.  Whatever a guest supplies is escaped.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from emu.memory import StorageError

from .events import CallKind, declared_call

if TYPE_CHECKING:
    from .events import Event

_HEXADECIMAL_KINDS = frozenset({"LogicalReal", "UnitAddress", "Flags"})
_HEXADECIMAL_NAMES = frozenset(
    {"address", "base", "block", "buffer", "ihandle", "mask", "phandle", "source", "vectors"}
)
_TEXT_NAMES = {
    CallKind.HCALL: frozenset[str](),
    CallKind.RTAS: frozenset({"message"}),
    CallKind.CLIENT: frozenset({"command", "name", "previous", "specifier"}),
}
_HANDLE_SERVICES = frozenset(
    {"child", "claim", "finddevice", "instance-to-package", "open", "parent", "peer"}
)
"""Client services whose result is a handle or an address."""
_LARGEST_COUNT = 1 << 20
"""Larger numbers of no known kind are shown in hexadecimal."""
_TEXT_SHOWN = 64
_ESCAPES = {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t", ord('"'): '\\"', 92: "\\\\"}


def quoted(text: bytes) -> str:
    """A guest's bytes between quotes, everything but plain characters escaped."""
    characters = (
        _ESCAPES.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}")
        for byte in text[:_TEXT_SHOWN]
    )
    return f'"{"".join(characters)}"' + ("..." if len(text) > _TEXT_SHOWN else "")


def number(value: int, *, hexadecimal: bool = False) -> str:
    return f"{value:#x}" if hexadecimal or value >= _LARGEST_COUNT else str(value)


def _registers(*values: int) -> bytes:
    return b"".join(value.to_bytes(8, "big") for value in values)


def arguments(event: Event) -> str:
    """The arguments as `name=value`, divided by commas."""
    if event.name == "H_PUT_TERM_CHAR" and len(event.arguments) == 4:
        unit, length, first, second = event.arguments.values()
        shown = quoted(_registers(first, second)[: min(length, 16)])
        return f"unit={unit:#x}, length={length}, {shown}"
    call = declared_call(event.table_event)
    declared = inspect.signature(call.handler).parameters if call else {}
    parts = []
    for name, value in event.arguments.items():
        kind = str(declared[name].annotation) if name in declared else ""
        parts.append(f"{name}={_argument(event, name, kind, value)}")
    if event.kind is CallKind.CLIENT and event.name == "write" and len(event.arguments) == 3:
        _, buffer, length = event.arguments.values()
        parts.append(_text_at(event, buffer, min(length, _TEXT_SHOWN + 1)))
    return ", ".join(parts)


def _argument(event: Event, name: str, kind: str, value: int) -> str:
    if name in _TEXT_NAMES[event.kind] and value:
        return _text_at(event, value, None)
    hexadecimal = kind in _HEXADECIMAL_KINDS or name in _HEXADECIMAL_NAMES
    return number(value, hexadecimal=hexadecimal)


def _text_at(event: Event, address: int, length: int | None) -> str:
    memory = event.processor.partition.memory
    try:
        if length is None:
            return quoted(memory.read_string(address, _TEXT_SHOWN + 1))
        return quoted(memory.read(address, length))
    except StorageError:
        return f"{address:#x}"


def outcome(event: Event) -> str:
    """What stands behind the equals sign: code and results, and why a call was refused."""
    shown = [event.code_name] if event.kind is not CallKind.CLIENT else []
    if event.name == "H_GET_TERM_CHAR" and len(event.results) == 3:
        count, first, second = event.results
        shown += [str(count), quoted(_registers(first, second)[: min(count, 16)])]
    else:
        hexadecimal = event.kind is CallKind.CLIENT and event.name in _HANDLE_SERVICES
        shown += [_result(value, hexadecimal=hexadecimal) for value in event.results]
    why = f"  ({plain(event.why)})" if event.why else ""
    return (", ".join(shown) or "nothing") + why


def _result(value: int, *, hexadecimal: bool) -> str:
    small_negative = -_LARGEST_COUNT < value < 0
    return str(value) if small_negative else number(value, hexadecimal=hexadecimal)


def plain(text: str) -> str:
    """Words that may quote a guest, safe to print."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
