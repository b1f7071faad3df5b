"""What operators did, and what became of it, with its ticks: one JSON line each.

The performed actions are all that came into a run from outside: performed again at the same ticks
(`Replay`), in a machine of the same definition, epoch and seed, they give the same run.
"""

from __future__ import annotations

import contextlib
import json
import logging
from typing import TYPE_CHECKING, TextIO

from emu.state import StateError
from pyphyp.actions import plain_action, rebuild_action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emu.state import Plain
    from pyphyp.actions import Action

    from .protocol import Notice


log = logging.getLogger(__name__)

NOTICES = 10_000


class Journal:
    """Writes to `file`, if there is one; what cannot be written any more ends it, no machine.

    Only so many notices are in it: a guest that reboots without end makes one each time.
    """

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file
        self._notices_left = NOTICES

    def performed(self, now: int, action: Action) -> None:
        self._write({"now": now, "performed": plain_action(action)})

    def refused(self, now: int, action: Action, why: str) -> None:
        self._write({"now": now, "refused": plain_action(action), "why": why})

    def noticed(self, notice: Notice) -> None:
        if not self._notices_left:
            return
        self._notices_left -= 1
        if not self._notices_left:
            self._write({"now": notice.now, "notice": "further notices are left out"})
            return
        self._write({"now": notice.now, "partition": notice.partition, "notice": notice.text})

    def close(self, now: int) -> None:
        """The run ends."""
        self._write({"now": now, "notice": "end"})
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, entry: dict[str, Plain]) -> None:
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
        except OSError as wrong:
            log.warning("the journal ends here: %s", wrong.strerror)
            file, self._file = self._file, None
            with contextlib.suppress(OSError):
                file.close()


def performed_actions(lines: Iterable[str]) -> list[tuple[int, Action]]:
    """The actions in a journal, with their ticks; raises `StateError`."""
    actions = []
    for line in lines:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            raise StateError("this is no journal") from None
        if isinstance(entry, dict) and "performed" in entry:
            actions.append((int(entry["now"]), rebuild_action(entry["performed"])))
    return actions
