"""What carries out x86 instructions for `pyphyp x86`, and what it tells of its work."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from pyphyp.messages import report

if TYPE_CHECKING:
    from lx86.block import Block
    from lx86.cpu import Cpu
    from lx86.storage import Storage
    from lx86.translating_cpu import TranslatingCpu

TRANSLATOR, REFERENCE = ENGINES = ("translator", "reference")


class Maker:
    """Makes the processor of that name; each block it translates is explained to `explanations`."""

    def __init__(self, name: str, explanations: TextIO | None = None) -> None:
        self._name, self._explanations = name, explanations
        self._translator: TranslatingCpu | None = None

    def __call__(self, storage: Storage) -> Cpu:
        if self._name == REFERENCE:
            from lx86.unicorn_cpu import UnicornCpu

            return UnicornCpu(storage)
        from lx86.options import GRADUAL
        from lx86.translating_cpu import TranslatingCpu

        self._translator = TranslatingCpu(storage, options=GRADUAL)
        if self._explanations is not None:
            self._translator.translator.on_block = self._explain
        return self._translator

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
