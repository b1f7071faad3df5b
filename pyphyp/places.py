"""Places in a guest, as people write them: `0x4000-0x4100`, `start_kernel`, `jiffies+8`.

`START-END` goes up to, not including, END; each of the two is a number or a symbol.  A symbol
alone is all that bears the name; `PLACE+LENGTH` is so many bytes from there on, and a number alone
is one word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .suggestions import nearest

if TYPE_CHECKING:
    from .symbols import Symbols

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+")
_PLACE = re.compile(r"([^-+]+)(?:([-+])([^-+]+))?")
_WORD = 4
_END = 1 << 64


class PlaceError(ValueError):
    """No place is written like this, or there is none of this name."""


def needs_symbols(text: str) -> bool:
    """Whether a name stands in it; `PlaceError` where it is no place at all."""
    first, _, second = _parts(text)
    return not all(_NUMBER.fullmatch(part) for part in (first, second) if part)


def resolve(text: str, symbols: Symbols) -> range:
    """The addresses that `text` means."""
    first, sign, second = _parts(text)
    begin = _addresses(first, symbols)
    if sign == "-":
        found = range(begin.start, _addresses(second, symbols).start)
    elif sign == "+":
        if not _NUMBER.fullmatch(second):
            raise PlaceError(f"{text!r}: a number of bytes stands behind the plus sign")
        found = range(begin.start, begin.start + int(second, 0))
    else:
        found = begin
    if not found or found.stop > _END:
        raise PlaceError(f"{text!r}: there is nothing from {found.start:#x} to {found.stop:#x}")
    return found


def _parts(text: str) -> tuple[str, str, str]:
    if not (found := _PLACE.fullmatch(text.strip())):
        raise PlaceError(f"{text!r} is no place: 0x4000-0x4100, start_kernel or jiffies+8 would be")
    return found[1], found[2] or "", found[3] or ""


def _addresses(text: str, symbols: Symbols) -> range:
    if _NUMBER.fullmatch(text):
        number = int(text, 0) if text.lower().startswith("0x") else int(text)
        return range(number, number + _WORD)
    found = symbols.find(text)
    if found is None:
        raise PlaceError(_unknown(text, symbols))
    return found


def _unknown(name: str, symbols: Symbols) -> str:
    if not len(symbols):
        return f"no symbols are known, so none is called {name!r}: give them with --symbols"
    close = nearest(name, symbols.names(), most=3)
    return f"no symbol is called {name!r}" + (
        f"; did you mean {' or '.join(close)}?" if close else ""
    )
