"""The kinds of values a machine file has: how each is read, described and put in a schema."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Protocol

from emu.values import frozen
from hypervisor.system.bounds import Bounds
from hypervisor.system.definition import (
    Capacity,
)
from hypervisor.system.units import ProcUnits
from pyphyp.memory_size import SIZE_PATTERN, byte_count

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20
Schema = dict[str, Any]


class Kind(Protocol):
    """What a value may be."""

    @property
    def words(self) -> str:
        """What it is, as the documentation and a refusal call it."""

    def read(self, value: object) -> Any:
        """What `value` of the file means; ValueError says what would be right."""

    def schema(self) -> Schema: ...


@frozen
class Text:
    words: str = "text"

    def read(self, value: object) -> str:
        if not isinstance(value, str):
            raise ValueError(f"{self.words}, in quotes")
        return value

    def schema(self) -> Schema:
        return {"type": "string"}


@frozen
class Flag:
    words: str = "true or false"

    def read(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError(self.words)
        return value

    def schema(self) -> Schema:
        return {"type": "boolean"}


@frozen
class Whole:
    least: int
    most: int | None = None

    @property
    def words(self) -> str:
        most = "" if self.most is None else f" to {self.most}"
        return f"a whole number, {self.least}{most or ' or more'}"

    def read(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(self.words)
        if value < self.least or (self.most is not None and value > self.most):
            raise ValueError(self.words)
        return value

    def schema(self) -> Schema:
        bounds = {"minimum": self.least}
        return {
            "type": "integer",
            **bounds,
            **({} if self.most is None else {"maximum": self.most}),
        }


@frozen
class Units:
    words: str = "processing units, in steps of 0.01"

    def read(self, value: object) -> ProcUnits:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ValueError(f"{self.words}: 0.5, for example")
        try:
            return ProcUnits.parse(value)
        except ValueError:
            raise ValueError(f"{self.words}: 0.5, for example") from None

    def schema(self) -> Schema:
        return {"type": "number", "minimum": 0}


@frozen
class Size:
    """Of memory; read as MiB."""

    words: str = 'a size: "512M", "1.5G"'

    def read(self, value: object) -> int:
        if not isinstance(value, str):
            raise ValueError(self.words)
        try:
            size = byte_count(value)
        except ValueError:
            raise ValueError(self.words) from None
        if size % MIB:
            raise ValueError("a whole number of MiB")
        return size // MIB

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^{SIZE_PATTERN}$"}


@frozen
class Choice:
    """One of some words; `meaning` gives what each stands for."""

    choices: tuple[str, ...]
    meaning: Callable[[str], Any]

    @property
    def words(self) -> str:
        return ", ".join(f'"{choice}"' for choice in self.choices)

    def read(self, value: object) -> Any:
        if not isinstance(value, str) or value not in self.choices:
            raise ValueError(f"one of {self.words}")
        return self.meaning(value)

    def schema(self) -> Schema:
        return {"enum": list(self.choices)}


@frozen
class Moment:
    """A time of day; read as seconds since 1970."""

    words: str = "seconds since 1970, or a date and time: 2026-01-31T12:00:00"

    def read(self, value: object) -> int:
        match value:
            case bool():
                raise ValueError(self.words)
            case int():
                return value
            case datetime():
                return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
            case date():
                return int(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp())
        raise ValueError(self.words)

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "integer"}, {"type": "string", "format": "date-time"}]}


@frozen
class Several:
    """A list."""

    of: Kind

    @property
    def words(self) -> str:
        return f"a list of {self.of.words}"

    def read(self, value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError(self.words)
        return tuple(self.of.read(item) for item in value)

    def schema(self) -> Schema:
        return {"type": "array", "items": self.of.schema()}


@frozen
class Names:
    """A table of names; read as pairs."""

    words: str = 'a table of names: { lpar1 = "normal" }'

    def read(self, value: object) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise ValueError(self.words)
        return tuple(value.items())

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": {"type": "string"}}


@frozen
class Between:
    """One value, or a table of minimum, desired and maximum; read as `Bounds`."""

    of: Kind

    @property
    def words(self) -> str:
        return f"{self.of.words}; or {{ minimum, desired, maximum }} of such"

    def read(self, value: object) -> Bounds[Any]:
        if not isinstance(value, dict):
            return Bounds.exactly(self.of.read(value))
        if "desired" not in value or value.keys() - {"minimum", "desired", "maximum"}:
            raise ValueError(
                "desired and, unless they are the same, minimum and maximum; nothing else"
            )
        desired = self._inner("desired", value["desired"])
        return Bounds(
            self._inner("minimum", value["minimum"]) if "minimum" in value else desired,
            desired,
            self._inner("maximum", value["maximum"]) if "maximum" in value else desired,
        )

    def _inner(self, name: str, value: object) -> Any:
        try:
            return self.of.read(value)
        except ValueError as wrong:
            raise ValueError(f"{name} is {wrong}") from None

    def schema(self) -> Schema:
        inner = self.of.schema()
        table = {
            "type": "object",
            "properties": {"minimum": inner, "desired": inner, "maximum": inner},
            "required": ["desired"],
            "additionalProperties": False,
        }
        return {"anyOf": [inner, table]}


@frozen
class Activated:
    """One value, or a table of what is installed and what of it is activated."""

    of: Kind

    @property
    def words(self) -> str:
        return f"{self.of.words}; or {{ installed, activated }} of such"

    def read(self, value: object) -> Capacity:
        if not isinstance(value, dict):
            both = self.of.read(value)
            return Capacity(both, both)
        if "installed" not in value or value.keys() - {"installed", "activated"}:
            raise ValueError("installed and, unless it is the same, activated; nothing else")
        installed = self.of.read(value["installed"])
        return Capacity(installed, self.of.read(value.get("activated", value["installed"])))

    def schema(self) -> Schema:
        inner = self.of.schema()
        table = {
            "type": "object",
            "properties": {"installed": inner, "activated": inner},
            "required": ["installed"],
            "additionalProperties": False,
        }
        return {"anyOf": [inner, table]}
