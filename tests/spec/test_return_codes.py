"""The hcall return codes are LoPAR's, and all of them are there."""

from __future__ import annotations

import re

import pytest

from hypervisor.abi import H
from tests.spec.tables import rows

NO_CODES = {
    # Ranges and places left free.
    "Function in Progress",
    "Reserved",
}
# Values of get-sensor-state, which the table lists among the codes.
SENSOR_VALUES = range(9, 14)
# One name for two codes: -36 repeats the text of -35.
REPEATED = {-36}
FLAG_START = -256


def _named() -> dict[int, str]:
    codes = {}
    for row in rows("lopar_return_codes.csv"):
        if re.fullmatch(r"-?\d+", row["code"]) and row["meaning"] not in NO_CODES:
            code = int(row["code"])
            if code not in SENSOR_VALUES and code not in REPEATED:
                codes[code] = row["meaning"].split()[0]
    return codes


TABLE = _named()


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold()).removeprefix("h")


@pytest.mark.parametrize("code", TABLE, ids=lambda code: TABLE[code])
def test_code_has_the_name_of_the_table(code: int) -> None:
    assert _folded(H(code).title) == _folded(TABLE[code])


def test_there_are_no_other_codes() -> None:
    assert {int(code) for code in H} == TABLE.keys() | {FLAG_START}


def test_title_is_the_name_as_programs_write_it() -> None:
    assert H.PARAMETER.title == "H_PARAMETER"
    assert H.LONG_BUSY_ORDER_1_MSEC.title == "H_LONG_BUSY_ORDER_1_MSEC"
