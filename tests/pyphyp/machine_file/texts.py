"""The smallest machine file, in parts, and what is said of one that cannot be."""

from __future__ import annotations

import pytest

from pyphyp.machine_file import MachineFileError, parse

MACHINE = '[machine]\ncores = 2\nmemory = "4G"\n'
PARTITION = '[[partition]]\nname = "lpar1"\nguest = "hello"\nmemory = "64M"\nunits = 0.5\n'


def wrong(text: str) -> list[str]:
    """What is said of a file that cannot be."""
    with pytest.raises(MachineFileError) as caught:
        parse(text)
    return [str(problem) for problem in caught.value.problems]
