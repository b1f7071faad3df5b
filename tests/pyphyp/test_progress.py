"""Progress of long work where nobody looks at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyphyp.commands.progress import ProgressBar, Told

if TYPE_CHECKING:
    import pytest


def test_a_log_has_a_line_for_each_kind_of_step_and_each_tenth() -> None:
    told = Told()
    steps = [("Fetching the index", None), ("Booting the installer", 0.0)]
    steps += [(f"Unpacking p{n}", n / 100) for n in range(0, 100, 4)]
    steps += [("Setting up p1", 0.97), ("Setting up p2", 0.98)]
    lines = [line for step in steps if (line := told.line(*step)) is not None]
    assert lines == [
        "Fetching the index",
        "Booting the installer (0%)",
        "Unpacking p0 (0%)",
        *(f"Unpacking p{n} ({n}%)" for n in (12, 24, 36, 48, 60, 72, 84, 96)),
        "Setting up p1 (97%)",
    ]


def test_what_begins_anew_is_told_by_its_own_tenths() -> None:
    told = Told()
    steps = (("Fetching a", 0.0), ("Fetching a", 0.95), ("Fetching b", 0.0), ("Fetching b", 0.1))
    assert [told.line(*step) is not None for step in steps] == [True, True, False, True]


def test_progress_into_a_file_is_lines_where_that_is_wanted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for told in (False, True):
        with ProgressBar(told=told) as progress:
            progress.step("Partitioning the disk", 0.0)
    assert capsys.readouterr().err == "pyphyp: Partitioning the disk (0%)\n"
