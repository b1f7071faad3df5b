"""Coverage as files."""

from __future__ import annotations

import json
import struct

from lx86.study.coverage import Covered, Module, as_drcov, as_json

MODULES = [
    Module("/bin/a", 0x1000, [Covered(0x1010, 2, 7), Covered(0x1012, 5, 1)]),
    Module("/lib/b", 0x8000, [Covered(0x8123, 1, 3)]),
]


def test_json_says_by_program_and_file_which_instructions_ran() -> None:
    found = json.loads(as_json([("/bin/a", MODULES)]))
    assert found["instruction"] == ["address", "length", "times"]
    assert found["programs"][0]["program"] == "/bin/a"
    files = found["programs"][0]["files"]
    assert [(f["path"], f["base"]) for f in files] == [("/bin/a", 0x1000), ("/lib/b", 0x8000)]
    assert files[0]["instructions"] == [[0x1010, 2, 7], [0x1012, 5, 1]]


def test_drcov_has_a_table_of_modules_and_eight_bytes_for_each_instruction() -> None:
    text, _, entries = as_drcov(MODULES).partition(b"BB Table: 3 bbs\n")
    assert text.decode().splitlines() == [
        "DRCOV VERSION: 2",
        "DRCOV FLAVOR: pyphyp",
        "Module Table: version 2, count 2",
        "Columns: id, base, end, entry, path",
        "0, 0x1000, 0x1017, 0x0, /bin/a",
        "1, 0x8000, 0x8124, 0x0, /lib/b",
    ]
    assert list(struct.iter_unpack("<IHH", entries)) == [(0x10, 2, 0), (0x12, 5, 0), (0x123, 1, 1)]
