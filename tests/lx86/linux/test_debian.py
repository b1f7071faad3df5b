"""Debian's i386 programs say, translated, what they say on a processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from guests.packages import GuestFilesError
from tests.lx86 import suites

from . import debian

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not suites.available(), reason="apt is not there"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return debian.make_root(tmp_path_factory.mktemp("debian") / "root")
    except GuestFilesError as refusal:
        pytest.skip(str(refusal))


@pytest.mark.parametrize("part", ["scripts", "programs"])
def test_bash_and_other_programs_say_what_they_say_on_a_processor(root: Path, part: str) -> None:
    expected = debian.native(root, part) or debian.recorded(part)
    assert debian.translated(root, part) == expected


@pytest.mark.parametrize("part", debian.PARTS)
def test_what_was_recorded_is_what_this_hosts_processor_says(root: Path, part: str) -> None:
    found = debian.native(root, part)
    if found is None:
        pytest.skip("this host runs no i386 programs in another root")
    assert found == debian.recorded(part)
