"""Machine files: a managed system in TOML, read with all that is wrong with it at once.

`keys` says what there may be; reading, the JSON schema and the documentation are made from it.
docs/machine.md describes the format.
"""

from .changes import Change, ChangeError
from .problems import FileProblem, MachineFileError
from .reading import MachineFile, parse, read

__all__ = [
    "Change",
    "ChangeError",
    "FileProblem",
    "MachineFile",
    "MachineFileError",
    "parse",
    "read",
]
