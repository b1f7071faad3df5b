"""What a machine in the foreground says on its terminal, while that is there."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import click

from pyphyp.daemon.process import GRACE, Watcher, redirect
from pyphyp.messages import complain, report

if TYPE_CHECKING:
    import signal

    from pyphyp.daemon.process import End, Plan
    from pyphyp.daemon.protocol import Notice


class Screen(Watcher):
    """Tells on standard error what happens; when the terminal dies, the machine's log is told."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._asked = 0

    def ready(self, refused: list[str]) -> None:
        name = self._plan.system.name
        for line in refused:
            complain(line)
        report(f"{name} runs; in another terminal: pyphyp ps, pyphyp console; Ctrl-C powers it off")

    def noticed(self, notice: Notice) -> None:
        with contextlib.suppress(OSError):  # the terminal may just have died
            report(f"{notice.partition or self._plan.system.name}: {notice.text}")

    def ending(self, number: signal.Signals) -> None:
        """In a signal's handler, so not by way of the stream that was perhaps interrupted."""
        self._asked += 1
        text = f"\npyphyp: {GRACE} s to power off in order; once more pulls the plugs\n"
        if self._asked == 1:
            with contextlib.suppress(OSError):
                os.write(2, text.encode())

    def hung_up(self) -> None:
        redirect(self._plan.directory)

    def end(self, end: End) -> None:
        """The last words: what a batch job wants to know."""
        from pyphyp.usage_table import machine_line, partitions_table, reasons

        with contextlib.suppress(OSError):
            if not self._plan.paced:
                click.echo(machine_line(end.usage))
                click.echo(partitions_table(end.usage))
            for reason in reasons(end.usage):
                complain(reason)
