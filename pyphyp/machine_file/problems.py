"""What is wrong with a machine file, and where in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emu.values import frozen

if TYPE_CHECKING:
    from hypervisor.system.problem import Problem

    from .lines import Path

_LONGEST_VALUE = 60
# Names of the definition that the file has not, or has by another name.
_RENAMED = {
    "pools": "pool",
    "partitions": "partition",
    "system_profiles": "system_profile",
    "profiles": "profile",
    "memory_mib": "memory",
    "lmb_mib": "lmb",
    "isa_level": "cpu_mode",
    "virtual": "virtual_processors",
    "ethernet_adapters": "ethernet",
    "paired_adapters": "vscsi_server",
    "terminal_servers": "vty_server",
    "scsi_adapters": "vios",
    "io_servers": "vios",
    "rootvg_mib": "rootvg",
    "fibre_channel_adapters": "fc",
}
_LISTS = (
    "partition",
    "pool",
    "system_profile",
    "shared_ethernet",
    "boot_server",
    "lan",
    "vios",
    "fabric",
    "storage",
)


@frozen
class FileProblem:
    """One thing wrong: `path` in the file, its line, the value there, what would be right."""

    file: str
    line: int | None
    key: str
    value: str
    why: str

    def __str__(self) -> str:
        line = "" if self.line is None else f":{self.line}"
        key = f"{self.key} = {self.value}" if self.key and self.value else self.key
        return f"{self.file}{line}: {key}: {self.why}" if key else f"{self.file}{line}: {self.why}"


class MachineFileError(Exception):
    """A machine file that cannot be used; all that is wrong with it."""

    def __init__(self, problems: tuple[FileProblem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class Problems:
    """Collects what is wrong with one file; what follows from an earlier problem is left out."""

    def __init__(self, file: str, content: dict[str, Any], lines: dict[Path, int]) -> None:
        self._file, self._content, self._lines = file, content, lines
        self._at: set[Path] = set()
        self._found: dict[FileProblem, int] = {}

    def add(self, path: Path, why: str) -> None:
        """What the file has at `path`, or has not, is wrong."""
        self._at.add(path)
        self._add(path, why, self._shown(path))

    def add_invalid(self, problem: Problem) -> None:
        """A rule of the managed system is broken."""
        path = self._in_file(problem.path)
        if any(path[: len(bad)] == bad for bad in self._at):
            return
        at = self._there(path) or path
        whole = isinstance(at[-1], int) or (at[0] in _LISTS and len(at) == 1)
        self._add(at, problem.why, problem.value if whole else self._shown(at) or problem.value)

    def _add(self, path: Path, why: str, value: str) -> None:
        line = self._line(path)
        self._found.setdefault(FileProblem(self._file, line, self.key(path), value, why), line or 0)

    def taken(self) -> tuple[FileProblem, ...]:
        """All of them, in the order of the file."""
        return tuple(sorted(self._found, key=lambda problem: self._found[problem]))

    def key(self, path: Path) -> str:
        """`path` as text; what is in a list goes by its name if it has one."""
        text, value = "", self._content
        for part in path:
            value = _inside(value, part)
            if isinstance(part, int):
                name = value.get("name") if isinstance(value, dict) else None
                text += f"[{name if isinstance(name, str) else part}]"
            else:
                text += f".{part}" if text else part
        return text

    def _in_file(self, path: Path) -> Path:
        """Where in the file a place in the definition stands."""
        renamed: Path = tuple(_RENAMED.get(p, p) if isinstance(p, str) else p for p in path)
        if renamed[0] not in _LISTS:
            return ("machine", *renamed)
        if len(renamed) > 3 and renamed[2] == "profile":
            head, rest = renamed[:4], renamed[4:]
            if not self._there(head[:3])[2:]:  # the partition has the keys of its only profile
                head = renamed[:2]
            if rest[:2] == ("processors", "processors"):
                rest = ("dedicated", *rest[2:])
            elif rest[:1] == ("processors",):
                rest = rest[1:]
            return (*head, *rest)
        return renamed

    def _there(self, path: Path) -> Path:
        """The part of `path` that the file has."""
        value: Any = self._content
        for n, part in enumerate(path):
            value = _inside(value, part)
            if value is None:
                return path[:n]
        return path

    def _line(self, path: Path) -> int | None:
        while path:
            if (line := self._lines.get(path, self._lines.get((*path, 0)))) is not None:
                return line
            path = path[:-1]
        return None

    def _shown(self, path: Path) -> str:
        value: Any = self._content
        for part in path:
            value = _inside(value, part)
        text = "" if value is None else _toml(value)
        return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "..."


def _toml(value: Any) -> str:
    """A value as the file has it."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return f"{{ {', '.join(f'{name} = {_toml(its)}' for name, its in value.items())} }}"
        case _:
            return str(value)


def _inside(value: Any, part: str | int) -> Any:
    if isinstance(value, dict) and isinstance(part, str):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None
