"""Processing units: hundredths of a processor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypervisor.system.units import ProcUnits


@pytest.mark.parametrize(
    ("text", "hundredths"), [("0.10", 10), (0.1, 10), (0.29, 29), ("2", 200), (1.5, 150), (0, 0)]
)
def test_units_are_read_as_processors(text: str | float, hundredths: int) -> None:
    assert ProcUnits.parse(text) == hundredths


@pytest.mark.parametrize("text", ["0.105", 0.001, "-0.1", "half", "nan", "inf", ""])
def test_what_is_no_number_of_hundredths_is_refused(text: str | float) -> None:
    with pytest.raises(ValueError, match=r"processor|processing units"):
        ProcUnits.parse(text)


@given(st.integers(0, 10**6))
def test_units_are_read_as_they_are_written(hundredths: int) -> None:
    units = ProcUnits(hundredths)
    assert ProcUnits.parse(str(units)) == units
    assert ProcUnits.parse(float(str(units))) == units
