"""What Lx86 has of the host's C library is what it declares."""

from pathlib import Path

from lx86 import libc_types
from lx86.libc_declarations import made


def test_the_declarations_are_those_that_were_made_types_of() -> None:
    found = made()
    assert Path(libc_types.__file__).read_text() == found, "python -m lx86.libc_declarations"
