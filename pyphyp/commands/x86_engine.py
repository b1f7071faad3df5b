"""What carries out x86 instructions for `pyphyp x86`, and what it tells of its work."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import click

from pyphyp.messages import report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lx86.block import Block
    from lx86.compare.cpu import ComparingCpu
    from lx86.cpu import Cpu
    from lx86.storage import Storage
    from lx86.store import Store
    from lx86.translating_cpu import TranslatingCpu

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
    """Makes the processor of that name; each block it translates is explained to `explanations`.

    Translated blocks are kept in `store`.  `compare`: beside Unicorn's x86; the first difference
    goes to standard error.  `without`: passes of the translator that are left out
    (lx86/options.py).
    """

    def __init__(
        self, name: str, explanations: TextIO | None = None, store: Store | None = None,
        *, compare: bool = False, without: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self._name, self._explanations, self._store = name, explanations, store
        self._compare, self._without = compare, without
        self._translator: TranslatingCpu | None = None
        self._comparing: ComparingCpu | None = None

    def __call__(self, storage: Storage) -> Cpu:
        if self._name == REFERENCE:
            from lx86.unicorn_cpu import UnicornCpu

            return UnicornCpu(storage)
        from lx86.options import GRADUAL, without
        from lx86.translating_cpu import TranslatingCpu

        options = without(GRADUAL, self._without)
        if self._compare:
            from lx86.compare.cpu import ComparingCpu

            self._comparing = ComparingCpu(
                storage, lambda text: click.echo(text, err=True), options
            )
            self._translator = self._comparing.translated
        else:
            self._translator = TranslatingCpu(storage, options=options)
        if self._explanations is not None:
            self._translator.translator.on_block = self._explain
        if self._store is not None:
            from lx86.kept import Kept, version

            translator = self._translator.translator
            translator.kept = Kept(self._store, translator.watch, version())
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
