"""What carries out x86 instructions for `pyphyp x86`, and what it tells of its work."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import click

from pyphyp.messages import report

if TYPE_CHECKING:
    from lx86.block import Block
    from lx86.compare.cpu import ComparingCpu
    from lx86.cpu import Cpu
    from lx86.storage import Storage
    from lx86.translating_cpu import TranslatingCpu

TRANSLATOR, REFERENCE = ENGINES = ("translator", "reference")


class Maker:
    """Makes the processor of that name; each block it translates is explained to `explanations`.

    `compare`: beside Unicorn's x86; the first difference goes to standard error.
    """

    def __init__(
        self, name: str, explanations: TextIO | None = None, *, compare: bool = False
    ) -> None:
        self._name, self._explanations, self._compare = name, explanations, compare
        self._translator: TranslatingCpu | None = None
        self._comparing: ComparingCpu | None = None

    def __call__(self, storage: Storage) -> Cpu:
        if self._name == REFERENCE:
            from lx86.unicorn_cpu import UnicornCpu

            return UnicornCpu(storage)
        from lx86.options import GRADUAL
        from lx86.translating_cpu import TranslatingCpu

        if self._compare:
            from lx86.compare.cpu import ComparingCpu

            self._comparing = ComparingCpu(storage, lambda text: click.echo(text, err=True))
            self._translator = self._comparing.translated
        else:
            self._translator = TranslatingCpu(storage, options=GRADUAL)
        if self._explanations is not None:
            self._translator.translator.on_block = self._explain
        return self._comparing or self._translator

    def _explain(self, block: Block) -> None:
        from lx86.explain import explain

        assert self._explanations is not None
        print(explain(block), file=self._explanations, flush=True)

    def report(self) -> None:
        """Say what was translated, and executed."""
        if self._translator is None:
            return
        counts = self._translator.cache.counts
        report(f"{self._translator.machine.instructions} POWER instructions executed")
        report(
            f"{counts.blocks} blocks translated in {counts.seconds:.3f} s:"
            f" {counts.instructions} x86 instructions became {counts.words} of POWER"
            f" ({counts.words / max(counts.instructions, 1):.2f} for one)"
        )
        report(
            f"{counts.linked} branches chained, {counts.slots} addresses found by slot,"
            f" {counts.dropped} blocks dropped, {counts.flushes} times all"
        )
        if self._comparing is not None:
            done = self._comparing.compared
            report(f"{done.instructions} x86 instructions compared, at {done.places} places")
