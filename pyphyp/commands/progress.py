"""Long work shown on a terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.progress import Progress, TaskID


class ProgressBar:
    """Shows progress on a terminal; says nothing elsewhere, or within `patience` seconds."""

    def __init__(self, patience: float = 0) -> None:
        self._shown_from = time.monotonic() + patience
        self._bar: Progress | None = None
        self._task: TaskID | None = None

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
        if time.monotonic() < self._shown_from or not sys.stderr.isatty():
            return
        if self._bar is None or self._task is None:
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(description, total=None)
            self._bar.start()
        total, done = (None, 0.0) if fraction is None else (1.0, fraction)
        self._bar.update(self._task, description=description, total=total, completed=done)
