"""Which x86 instructions ran, as files: JSON, and the drcov format of DynamoRIO's tool.

drcov, version 2: a table of modules as text, then for each piece of code eight bytes, the lower
first: its offset in the module (4), its size (2), the module's number (2).  Viewers of
disassemblies read it.  Here each piece is an instruction.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ENTRY = struct.Struct("<IHH")


class Covered(NamedTuple):
    """An x86 instruction that ran."""

    address: int
    length: int
    times: int


class Module(NamedTuple):
    """A file that a program's code came from; addresses less `base` are offsets in it."""

    path: str
    base: int
    instructions: Sequence[Covered]


def as_json(programs: Iterable[tuple[str, Sequence[Module]]]) -> str:
    """Of each program that the process was: its path and what ran, by file."""
    found = [
        {
            "program": name,
            "files": [
                {
                    "path": module.path,
                    "base": module.base,
                    "instructions": [list(covered) for covered in module.instructions],
                }
                for module in modules
            ],
        }
        for name, modules in programs
    ]
    fields = ["address", "length", "times"]
    return json.dumps({"instruction": fields, "programs": found}, indent=1) + "\n"


def as_drcov(modules: Sequence[Module]) -> bytes:
    lines = [
        "DRCOV VERSION: 2",
        "DRCOV FLAVOR: pyphyp",
        f"Module Table: version 2, count {len(modules)}",
        "Columns: id, base, end, entry, path",
    ]
    pieces = []
    for number, module in enumerate(modules):
        end = max(c.address + c.length for c in module.instructions)
        lines.append(f"{number}, {module.base:#x}, {end:#x}, 0x0, {module.path}")
        pieces += [
            _ENTRY.pack(covered.address - module.base, covered.length, number)
            for covered in module.instructions
        ]
    lines.append(f"BB Table: {len(pieces)} bbs")
    return "\n".join(lines).encode() + b"\n" + b"".join(pieces)
