"""Debian's programs of both architectures say, translated, what they say on a processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import debian
from .test_run import x86

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("part", ["scripts", "programs", "busybox", "threads"])
def test_debians_programs_say_what_they_say_on_a_processor(either_root: Path, part: str) -> None:
    expected = debian.native(either_root, part) or debian.recorded(part)
    assert debian.translated(either_root, part, either_root.parent / "kept") == expected


def test_they_use_what_a_later_processor_has(either_root: Path) -> None:
    """The C library then has functions of SSSE3 and SSE4.2 for strings."""
    text = (
        "printf '%s\\n' one two three 'twenty two' | grep -n two | sed s/two/2/ | sort -r | tr t T"
    )
    done = x86("--cpu", "nehalem", "--root", str(either_root), "-C", "/", "/bin/bash", "-c", text)
    assert (done.returncode, done.stdout) == (0, "4:TwenTy 2\n2:2\n")


def test_python_with_threads_and_processes_says_what_it_says_on_a_processor(
    debian_root_64: Path,
) -> None:
    expected = debian.native(debian_root_64, "python") or debian.recorded("python")
    kept = debian_root_64.parent / "kept"
    assert debian.translated(debian_root_64, "python", kept) == expected


def test_fifty_applets_of_busybox_are_among_them() -> None:
    said = debian.recorded("busybox").output
    applets = {line.split()[1] for line in said if line.startswith("== ")}
    assert len(applets) >= 50
    assert not [line for line in said if "not found" in line]


@pytest.mark.parametrize("part", debian.PARTS)
def test_what_was_recorded_is_what_this_hosts_processor_says(either_root: Path, part: str) -> None:
    found = debian.native(either_root, part)
    if found is None:
        pytest.skip("this host runs no such programs in another root")
    assert found == debian.recorded(part)
