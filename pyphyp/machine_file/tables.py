"""What a table of a machine file is made of."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from emu.values import frozen

if TYPE_CHECKING:
    from .kinds import Kind


@frozen
class Key:
    """A key of a table, what it may be and what it is for."""

    name: str
    kind: Kind
    words: str
    default: str = ""
    """What holds if it is left out, in words."""
    stands_in: Any = None
    """What reading goes on with if a `required` key is missing or wrong."""
    required: bool = False


@frozen
class Table:
    """A table, or an array of such."""

    name: str
    words: str
    keys: tuple[Key, ...]
    inner: tuple[Table, ...] = field(default=())
    array: bool = True

    def key(self, name: str) -> Key | None:
        return next((key for key in self.keys if key.name == name), None)

    def table(self, name: str) -> Table | None:
        return next((table for table in self.inner if table.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        """Of its keys and of the tables in it."""
        return (*(key.name for key in self.keys), *(table.name for table in self.inner))
