"""Programs with a C library of Debian's: what its mathematics gives where it is translated."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from .. import small
from ..linux.test_run import x86

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not small.available(), reason=f"{small.COMPILER} is not there")

VARIANTS = {
    "x87": ["-O2", "-march=i686"],
    "sse": ["-O2", "-march=pentium4", "-mfpmath=sse"],
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_c_librarys_mathematics_gives_what_it_gives_on_this_hosts_processor(
    variant: str, tmp_path: Path
) -> None:
    program = tmp_path / "libm"
    source = str(small.SOURCES / "libm.c")
    flags = [*VARIANTS[variant], "-static", "-fno-builtin"]
    subprocess.run([small.COMPILER, *flags, source, "-lm", "-o", str(program)], check=True)
    try:
        native = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    except OSError:
        pytest.skip("this host does not run i386 programs")
    translated = x86(str(program), cwd=tmp_path).stdout
    pairs = zip(native.splitlines(), translated.splitlines(), strict=True)
    assert [pair for pair in pairs if not _same(*pair)] == []


def _same(native: str, translated: str) -> bool:
    """A long double of FSIN's kin may differ in its last place (CAVEATS.md), nothing else may."""
    if native == translated:
        return True
    if not re.match("(sin|exp|log|pow|atan2)l", native):
        return False
    (text, exact), (text_here, exact_here) = (
        line.rsplit(maxsplit=1) for line in (native, translated)
    )
    return text == text_here and abs(_places(exact) - _places(exact_here)) <= 1


def _places(hexadecimal: str) -> int:
    """The significand of a long double, as an integer; with its exponent above."""
    digits, _, exponent = hexadecimal.lstrip("-").removeprefix("0x").partition("p")
    whole, _, fraction = digits.partition(".")
    return int(whole + fraction.ljust(15, "0"), 16) + (int(exponent) << 64)
