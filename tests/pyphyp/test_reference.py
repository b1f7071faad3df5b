"""The generated pages are those in docs/."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pyphyp import absent, reference

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
    assert "hcalls.md, rtas.md, machine.schema.json" in capsys.readouterr().err
    assert reference.main(arguments) == 0
    assert reference.main([*arguments, "--check"]) == 0


def test_reason_must_be_given_for_a_missing_rtas_call() -> None:
    with pytest.raises(KeyError, match="never-heard-of"):
        absent.rtas_reason("never-heard-of")


def test_reason_must_be_given_for_a_missing_hcall_of_linux() -> None:
    with pytest.raises(KeyError, match="0x3"):
        absent.linux_hcall_reason(3)


def test_every_number_of_linuxs_header_is_on_the_page() -> None:
    page = (ROOT / "docs" / "hcalls.md").read_text(encoding="utf-8")
    numbers = {
        int(number, 16) for number in re.findall(r"^\| (0x[0-9a-f]+) \|", page, re.MULTILINE)
    }
    table = (SPECIFICATION / "linux_hcalls.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert {int(row.partition(",")[0], 16) for row in table} <= numbers
