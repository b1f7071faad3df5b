"""What is wrong with the definition of a managed system, and where in it."""

from __future__ import annotations

from emu.values import frozen

Path = tuple[str | int, ...]


@frozen
class Problem:
    """What is wrong where: the value as it is meant, and what would be right."""

    path: Path
    value: str
    why: str

    @property
    def key(self) -> str:
        """`path` as text: partitions[0].profiles[1].memory_mib."""
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text

    def __str__(self) -> str:
        return f"{self.key} = {self.value}: {self.why}"
