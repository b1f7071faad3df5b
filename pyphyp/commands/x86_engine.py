"""What carries out x86 instructions for `pyphyp x86`, and what it tells of its work."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from lx86.architecture import I386, X86_64
from lx86.cpuid import DEFAULT, MODELS
from pyphyp.messages import complain, report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lx86.compare.cpu import ComparingCpu
    from lx86.cpu import Cpu
    from lx86.linux.process import Process
    from lx86.spaces import Space
    from lx86.storage import Storage
    from lx86.store import Store
    from lx86.translating_cpu import TranslatingCpu
    from pyphyp.x86_study import X86Study

    from .x86_wishes import Wishes

TRANSLATOR, REFERENCE = ENGINES = ("translator", "reference")


def code_directory() -> Path:
    """Where translated code is kept, unless the user says otherwise."""
    from guests.cache import cache_directory

    return cache_directory() / "x86-code"


def open_store(directory: Path | None, lowest: int) -> Store | None:
    """What is kept in `directory`.  None: the user's own, if that can be used.

    Its descriptors are `lowest` or above.  Raises `StoreError`.
    """
    from lx86.store import Store, StoreError

    try:
        return Store(directory or code_directory(), lowest)
    except StoreError:
        if directory is not None:
            raise
        return None


class Maker:
    """Makes the processor of that name, and shows what `wishes` ask for of what it does.

    `model`: the x86 processor it is like (lx86/cpuid.py).  Translated blocks are kept in `store`.
    `compare`: beside Unicorn's x86; the first difference goes to standard error.  `without`: passes
    of the translator that are left out (lx86/options.py).
    """

    def __init__(
        self, name: str, store: Store | None = None, wishes: Wishes | None = None,
        *, model: str = DEFAULT.name, compare: bool = False, without: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self._name, self._store, self._wishes = name, store, wishes
        self._model = MODELS[model]
        self._compare, self._without = compare, without
        self._translator: TranslatingCpu | None = None
        self._comparing: ComparingCpu | None = None
        self.study: X86Study | None = None

    def space(self, word: int) -> Space:
        """`run.Maker`: compared programs have theirs twice."""
        from lx86.spaces import SPACE_32, SPACE_64, SPACE_64_TWICE

        if word == 4:
            return SPACE_32
        return SPACE_64_TWICE if self._compare else SPACE_64

    def __call__(self, storage: Storage) -> Cpu:
        if self._name == REFERENCE:
            from lx86.unicorn_cpu import UnicornCpu

            return UnicornCpu(storage, self._model)
        from lx86.options import GRADUAL, without
        from lx86.translating_cpu import TranslatingCpu

        architecture = X86_64 if storage.word == 8 else I386
        options = replace(without(GRADUAL, self._without), architecture=architecture)
        if self._compare:
            from lx86.compare.cpu import ComparingCpu

            self._comparing = ComparingCpu(
                storage, lambda text: click.echo(text, err=True), options, self._model
            )
            self._translator = self._comparing.translated
            return self._comparing
        options = replace(options, marked=self._wishes is not None)
        self._translator = TranslatingCpu(storage, self._model, options)
        if self._wishes is not None and self.study is None:
            from pyphyp.x86_study import X86Study

            self.study = X86Study(self._wishes, self._translator, storage)
        if self._store is not None:
            from lx86.kept import Kept, version

            translator = self._translator.translator
            translator.kept = Kept(self._store, translator.watch, version())
        return self._translator

    def begin(self, process: Process) -> None:
        if self.study is not None:
            self.study.begin(process)

    def finish(self) -> None:
        if self.study is not None:
            self.study.finish()

    def report_study(self) -> None:
        """Say and write what was asked for, but for what `--stats` says."""
        if self.study is None or self._wishes is None:
            return
        for name in self.study.not_found:
            complain(f"no code called {name} was translated")
        if self._wishes.hottest:
            click.echo("\n".join(self.study.table()), err=True)
        if self._wishes.coverage is not None:
            self.study.write_coverage(self._wishes.coverage)

    def figures(self) -> dict[str, Any]:
        """What `--json` says of the translator: nothing of time, so it is the same in each run."""
        if self._translator is None or self.study is None:
            return {}
        counts = self._translator.cache.counts
        return {
            "power_instructions": self._translator.machine.instructions,
            "translated": {
                "blocks": counts.blocks, "x86": counts.instructions, "power": counts.words,
                "chained": counts.linked, "slots": counts.slots, "dropped": counts.dropped,
                "evicted": counts.evicted, "flushes": counts.flushes,
            },
            "programs": self.study.figures(),
        }  # fmt: skip

    def report(self) -> None:
        """Say what was translated, and executed."""
        if self._translator is None:
            return
        counts = self._translator.cache.counts
        report(f"{self._translator.machine.instructions} POWER instructions executed")
        report(
            f"{counts.blocks} blocks made in {counts.seconds:.3f} s:"
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
        if (kept := self._translator.translator.kept) is not None:
            found, disk = kept.counts, kept.store.counts
            report(
                f"{found.found} blocks were kept by earlier runs, {found.missing} were not;"
                f" {disk.written} were written, {disk.refused} refused, {disk.bad} damaged:"
                f" {found.seconds:.3f} s"
            )
