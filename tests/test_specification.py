"""Every promise of SPECIFICATION.md names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROMISES = re.findall(
    r"^(\d+)\. .*?: `([\w/.]+)::(\w+)`$", (ROOT / "SPECIFICATION.md").read_text(), re.MULTILINE
)


def test_promises_are_numbered_without_gaps() -> None:
    numbered = re.findall(r"^(\d+)\.", (ROOT / "SPECIFICATION.md").read_text(), re.MULTILINE)
    assert [int(n) for n in numbered] == list(range(1, len(numbered) + 1))
    assert len(PROMISES) == len(numbered)


@pytest.mark.parametrize(("number", "file", "test"), PROMISES, ids=lambda part: str(part)[-40:])
def test_the_test_of_a_promise_exists(number: str, file: str, test: str) -> None:
    assert f"def {test}(" in (ROOT / file).read_text(), f"promise {number}"
