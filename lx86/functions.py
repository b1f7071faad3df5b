"""How long the program's functions are, as far as that is plain to see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .code import FetchFault
from .decoder import Undefined
from .ending import LEAVING

if TYPE_CHECKING:
    from .instruction import Instruction


class Fetching(Protocol):
    def fetch(self, address: int) -> Instruction:
        """Raises `FetchFault` or `Undefined`."""
        ...


def length(code: Fetching, target: int, most: int) -> int:
    """How many instructions a function has; more than `most` if that is not plain to see."""
    seen: set[int] = set()
    todo = [target]
    returns = False
    while todo:
        eip = todo.pop()
        while eip not in seen:
            seen.add(eip)
            if len(seen) > most:
                return len(seen)
            try:
                i = code.fetch(eip)
            except (FetchFault, Undefined):
                break
            if i.target is not None and i.name != "call":
                todo.append(i.target)
            if i.name == "ret":
                returns = True
            if i.name in ("jmp", "ret") or i.name in LEAVING:
                break
            eip = i.next
    return len(seen) if returns else most + 1
