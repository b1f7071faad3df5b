"""The generated pages are those in docs/."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyphyp import reference

ROOT = Path(__file__).parent.parent.parent
SPECIFICATION = ROOT / "tests" / "spec"


def test_pages_are_up_to_date() -> None:
    arguments = [str(ROOT / "docs"), "--check", "--specification", str(SPECIFICATION)]
    assert reference.main(arguments) == 0, "make docs"


def test_check_fails_where_a_page_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(tmp_path), "--specification", str(SPECIFICATION)]
    assert reference.main([*arguments, "--check"]) == 1
    assert "hcalls.md, rtas.md" in capsys.readouterr().err
    assert reference.main(arguments) == 0
    assert reference.main([*arguments, "--check"]) == 0


def test_reason_must_be_given_for_a_missing_rtas_call() -> None:
    with pytest.raises(KeyError, match="never-heard-of"):
        reference.rtas_reason("never-heard-of")
