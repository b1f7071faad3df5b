"""Long work shown on a terminal, or told line by line elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from pyphyp.messages import report

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.progress import Progress, TaskID


_TENTH = 0.1


class ProgressBar:
    """Shows progress on a terminal; says nothing within `patience` seconds.

    Elsewhere (in a log, say) it tells of each kind of step and of each tenth, if `told`.
    """

    def __init__(self, patience: float = 0, *, told: bool = False) -> None:
        self._shown_from = time.monotonic() + patience
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._told = Told() if told else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, description: str, fraction: float | None) -> None:
        if time.monotonic() < self._shown_from:
            return
        if not sys.stderr.isatty():
            if self._told is not None and (line := self._told.line(description, fraction)):
                report(line)
            return
        if self._bar is None or self._task is None:
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(description, total=None)
            self._bar.start()
        total, done = (None, 0.0) if fraction is None else (1.0, fraction)
        self._bar.update(self._task, description=description, total=total, completed=done)


class Told:
    """Which of many steps are worth a line.

    Steps of one kind begin with the same word: "Unpacking libc6", "Unpacking dpkg".
    """

    def __init__(self) -> None:
        self._kinds: set[str] = set()
        self._last = 0.0

    def line(self, description: str, fraction: float | None) -> str | None:
        """What to tell of a step, or nothing."""
        kind, done = description.partition(" ")[0], fraction or 0.0
        self._last = min(self._last, done)  # something else begins
        if kind in self._kinds and done < self._last + _TENTH:
            return None
        self._kinds.add(kind)
        self._last = done
        return description if fraction is None else f"{description} ({done:.0%})"
