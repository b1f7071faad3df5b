"""The program's pages that code was translated from: watched, and forgotten when they change."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from .storage import EXECUTE, PAGE, WRITE, Page, pages_of

if TYPE_CHECKING:
    from .block import Block
    from .code import Code
    from .code_cache import CodeCache
    from .machine import Machine
    from .storage import Storage

_EXECUTE, _WRITE, _SHARED = int(EXECUTE), int(WRITE), int(Page.SHARED)
"""As numbers: they are asked for often."""


class Watch:
    """`machine` refuses stores to pages that `cache` or `code` knows something of."""

    def __init__(self, storage: Storage, machine: Machine, cache: CodeCache, code: Code) -> None:
        self._storage, self._machine, self._cache, self._code = storage, machine, cache, code
        self._digests: dict[int, bytes] = {}
        self._alone: dict[int, bool] = {}
        """By page: whether no other one with code shares its slots."""

    def changed(self, start: int, length: int) -> None:
        protected, pages = self._machine.protected, pages_of(start, length)
        for page in pages if len(pages) < len(protected) else sorted(protected):
            if page in pages and page in protected:
                self.drop(page)

    def mapping_changed(self, start: int, length: int) -> None:
        first, last = start // PAGE, (start + length - 1) // PAGE
        self._alone.clear()
        self._cache.drop(first, last)
        self._code.forget(first, last)
        protected = self._machine.protected
        protected -= {p for p in protected if first <= p <= last}
        self._digests = {p: d for p, d in self._digests.items() if not first <= p <= last}
        self._machine.forget_slots(first, last)
        self._machine.remap(start, length)
        if any(self._storage.executable_pages(first, last + 1)):
            self._cache.empty_slots(first, last)

    def has_slot_alone(self, eip: int) -> bool:
        """It could have code, and no other page could that shares its slots."""
        page = eip // PAGE
        alone = self._alone.get(page)
        if alone is None:
            if not self._storage.page(page) & _EXECUTE:
                return False
            apart = self._machine.places.slot_pages
            place = page % apart
            others = self._storage.executable_pages(0, self._storage.end // PAGE)
            sharing = sum((end - 1 - place) // apart - (first - 1 - place) // apart
                          for first, end in others)  # fmt: skip
            alone = sharing == 1
            self._alone[page] = alone
        return alone

    def drop(self, page: int) -> None:
        """Forget the code of a page, which may be written from then on."""
        self._cache.drop(page, page)
        self._code.forget(page, page)
        self._machine.protected.discard(page)
        self._digests.pop(page, None)
        self._machine.remap(page * PAGE, PAGE)

    def protect(self, block: Block) -> None:
        """Watch the pages of a block."""
        for page in block.pages - self._machine.protected:
            self._protect(page)

    def _protect(self, page: int) -> None:
        self._machine.protected.add(page)
        if self._storage.page(page) & _WRITE:
            self._machine.remap(page * PAGE, PAGE)

    def digest(self, page: int) -> bytes | None:
        """Of the code a page holds, and watch it; None: others may change it unseen."""
        known = self._digests.get(page)
        if known is not None:
            return known
        kind = self._storage.page(page)
        if not kind & _EXECUTE:
            return b""
        if kind & _SHARED:
            return None
        if page not in self._machine.protected:
            self._protect(page)
        known = blake2b(self._storage.raw(page * PAGE, PAGE), digest_size=16).digest()
        self._digests[page] = known
        return known

    def held(self, block: Block) -> tuple[tuple[int, bytes], ...]:
        """The pages of a block that others may change unseen, and what they hold."""
        both, page_of = _EXECUTE | _SHARED, self._storage.page
        pages = [page for page in block.pages if page_of(page) & both == both]
        return tuple((page, bytes(self._storage.raw(page * PAGE, PAGE))) for page in pages)

    def holds(self, block: Block) -> bool:
        """Whether these still hold it."""
        raw = self._storage.raw
        return all(bytes(raw(page * PAGE, PAGE)) == known for page, known in block.held)

    def refuses_stores(self, page: int) -> bool:
        """Though the program may store there."""
        return page in self._machine.protected and bool(self._storage.page(page) & _WRITE)
