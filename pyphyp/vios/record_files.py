"""Records that a Virtual I/O Server keeps in its directory, each kind in a file of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

from emu.state import StateError, plain, rebuild
from pyphyp.replacing import replacing

from .records import ViosError

if TYPE_CHECKING:
    from pathlib import Path

_FORMAT = 1
_State = TypeVar("_State")


def read_kept(file: Path, kind: type[_State], what: str) -> _State:
    """What is in `file`, `kind()` where there is none; `ViosError` for what is no such record.

    `what` it describes is for the message.
    """
    try:
        content = json.loads(file.read_bytes())
        if not isinstance(content, dict) or content.pop("format", None) != _FORMAT:
            raise StateError("another format")
        return rebuild(kind, content, what)
    except FileNotFoundError:
        return kind()
    except OSError as wrong:
        raise ViosError(f"{file}: {wrong.strerror}") from None
    except (ValueError, StateError, RecursionError) as wrong:
        raise ViosError(f"{file} does not describe {what}: {wrong}") from None


def keep(file: Path, state: object, form: int = _FORMAT) -> None:
    """Replace what is in `file` when all is on the host's disk; raises `ViosError`."""
    content = plain(state)
    assert isinstance(content, dict)
    try:
        with replacing(file) as new:
            new.write(json.dumps({"format": form, **content}, indent=1).encode() + b"\n")
    except OSError as wrong:
        raise ViosError(f"{file}: {wrong.strerror or wrong}") from None
