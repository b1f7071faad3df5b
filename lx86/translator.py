"""The program's code becomes POWER code when somebody wants to go there."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from . import exchange, lower
from .code import Code
from .code_cache import CodeCache
from .constants import pin
from .convention import FIRST
from .emitter import TooFarError
from .instruction import CS
from .region import Alone, Region, build
from .storage import EXECUTE, WRITE, Page, StorageFault
from .translate import translate
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from .block import Block
    from .cpu import X86State
    from .foresight import Expression
    from .fpu.file import RegisterFile
    from .instruction import Instruction
    from .kept import Kept
    from .machine import Machine
    from .options import Options
    from .storage import Storage


class Translator:
    """Fills `cache`; the addresses it gives are those of POWER code."""

    def __init__(
        self, storage: Storage, machine: Machine, file: RegisterFile, options: Options,
        code_limit: int,
    ) -> None:  # fmt: skip
        self.options = self._first_options = options
        self.kept: Kept | None = None
        """Blocks of earlier runs."""
        self.cache = CodeCache(machine, code_limit, long=options.architecture.long)
        self.code = Code(storage, long=options.architecture.long)
        self.watch = Watch(storage, machine, self.cache, self.code)
        self.on_block: Callable[[Block], None] | None = None
        """Is shown each block that is translated, or found among those of earlier runs."""
        self.studied = options.marked
        """What blocks are made of is looked at later."""
        self._machine, self._file, self._storage = machine, file, storage
        self._changeable: set[int] = set()
        """Pages with code that others may change unseen."""
        self._inline_calls = options.inline_calls
        self._lowerings = lower.table()

    @property
    def stack_key(self) -> int:
        """What R1 holds."""
        return self._file.stack_key

    def begin(self) -> None:
        """Another program: what was learnt of the last one holds no more."""
        self.options = self._first_options
        self.code.use_segment(0, code_16=False)
        self.code.forget_everything()
        self._changeable.clear()
        if self.cache.used:
            self.cache.flush()

    def adapt(self, state: X86State) -> None:
        """Have code be what a state's modes and segments ask for."""
        flush, exact = self._file.modes
        options = self.options.for_segments(state, self._inline_calls)
        if (options.flush_to_zero, options.exact_sse) != (flush, exact):
            options = replace(options, flush_to_zero=flush, exact_sse=exact)
        if options is self.options:
            return
        self.options = options
        self.code.use_segment(options.bases[CS], options.code_16)
        self.cache.flush()

    def entry(self, eip: int, down: bool) -> int:
        """Where the code for an address is.  Raises `FetchFault`."""
        entries = self.cache.entries_down if down else self.cache.entries
        address = entries.get(eip)
        if address is None and (block := self.cache.held(eip, down)) is not None:
            if self.watch.holds(block):
                return block.place_of(eip)
            for page, _ in block.held:
                self.watch.drop(page)
        return self.translate(eip, down) if address is None else address

    def translate(self, eip: int, down: bool, whole: bool = False) -> int:
        """As `entry`, but anew; `whole`: it is worth a whole region."""
        began = time.perf_counter()
        first = bool(self.options.first_region) and not down and not whole
        self._decode_anew()
        block = self._block(eip, down, first)
        if block.flags_returned and not self.options.exact_flags:
            self.keep_flags()
            block = self._block(eip, down, first)
        self.watch.protect(block)
        block.held = self.watch.held(block)
        self._changeable.update(page for page, _ in block.held)
        self.cache.add(block, down)
        if self.options.slots and not down:
            self._fill_slots(block)
        self.cache.counts.seconds += time.perf_counter() - began
        if self.on_block:
            self.on_block(block)
        elif not self.studied:
            block.forget_making()
        return block.place_of(eip)

    def _decode_anew(self) -> None:
        """What others may have changed unseen."""
        for page in self._changeable:
            self.code.forget(page, page)

    def _fill_slots(self, block: Block) -> None:
        """What others enter in the midst of a block is mostly where calls return to."""
        exact, entries = self.options.exact_flags, self.cache.entries
        for eip, index in block.entries.items():
            if (
                eip != block.start
                and entries.get(eip) == block.address + 4 * index
                and (exact or eip not in block.wanted)
                and self.watch.has_slot_alone(eip)
            ):
                self.cache.fill_slot(eip)

    def keep_flags(self) -> None:
        """From now on flags pass through RET and other branches by registers."""
        self.options = replace(self.options, exact_flags=True)
        self.cache.flush()
        self.code.forget_everything()

    def keep_stores_whole(self) -> None:
        if not self.options.whole_stores:
            self.options = replace(self.options, whole_stores=True)
            self.cache.flush()

    def single(
        self, eip: int, down: bool, i: Instruction | None, *, string_blocks: bool = True
    ) -> int:
        """Code for one instruction, `i` or what is at `eip`, that is not kept."""
        code = self.code if i is None else Alone(i)
        options = replace(
            self.options, slots=False, string_blocks=self.options.string_blocks and string_blocks
        )
        self._decode_anew()
        region = build(code, eip, options, down=down, single=True)
        self.code.forget_looked_at()
        block = self._code_for(region, down, options)
        self.cache.add(block, False, link=False)
        return block.place_of(eip)

    def _block(self, eip: int, down: bool, first: bool) -> Block:
        options = self.options
        if self.kept is not None:
            block = self.kept.find(eip, down, first, options, self.stack_key, self._foresee)
            if block is not None:
                if (block.base, block.constants) != (options.base, options.constants):
                    self._pin(replace(options, base=block.base, constants=block.constants))
                return block
        block = self._made(eip, down, first)
        if self.kept is not None:
            self.kept.add(block, down, first, options)
        return block

    def _made(self, eip: int, down: bool, first: bool) -> Block:
        """Of less of the program where a branch could not reach over its code."""
        smaller = self.options
        while True:
            region = build(self.code, eip, smaller, down=down, first=first, foresee=self._foresee)
            self._pin(pin(region, self.options))
            try:
                return self._code_for(region, down, self.options)
            except TooFarError:
                smaller = replace(smaller, longest_region=smaller.longest_region // 2)

    def _foresee(self, asked: Expression) -> int:
        """A `Foresight`; the registers hold the state in which code is about to be entered."""
        number, value, *stored = asked
        options = self.options
        if not options.flat:
            return 0
        architecture = options.architecture
        if number >= 0:
            value += self._machine.registers.gpr(FIRST + number)
        try:
            if stored:
                value &= architecture.mask
                last = value + architecture.word - 1 & architecture.mask
                kinds = self._storage.kind(value) | self._storage.kind(last)
                if number < 0 and kinds & (WRITE | Page.SHARED):
                    return 0  # it may be another later
                data = self._storage.read(value, architecture.word)
                value = int.from_bytes(data, "little")
        except StorageFault:
            return 0
        value &= architecture.mask
        return value if self._storage.kind(value) & (EXECUTE | Page.SHARED) == EXECUTE else 0

    def _pin(self, options: Options) -> None:
        if options != self.options:
            self.options = options
            exchange.pin(self._machine, options)

    def _code_for(self, region: Region, down: bool, options: Options) -> Block:
        studied = self.studied or self.on_block is not None
        return translate(region, options, self._lowerings, down, self.stack_key, studied)
