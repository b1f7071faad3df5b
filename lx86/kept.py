"""Blocks of earlier runs, found by what they were made from.

A block is looked for by its address, by the options and by what its first page holds; it is taken
if the state is what its code relies on, and every page that was looked at when it was made holds
the same again.  So whichever program or process made it, it is what would be made now.
"""

from __future__ import annotations

import marshal
import struct
import sys
import time
from dataclasses import astuple, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import emu.native

from .foresight import blind
from .record import pack, unpack
from .storage import PAGE

if TYPE_CHECKING:
    from .block import Block
    from .foresight import Foresight
    from .options import Options
    from .store import Store
    from .watch import Watch


_PLACE = struct.Struct("<QB")
_PARTS = ("*.py", "lower/*.py", "fpu/*.py")


@dataclass(slots=True)
class KeptCounts:
    found: int = 0
    missing: int = 0
    seconds: float = 0.0  # looking and writing


def version() -> bytes:
    """A digest of what translations depend on: the sources here and of the decoder, and Python."""
    digest = blake2b(f"{sys.version} {marshal.version}".encode(), digest_size=32)
    here = Path(__file__).parent
    files = [file for part in _PARTS for file in here.glob(part)]
    files += Path(emu.native.__file__).parent.glob("x86*")
    for file in sorted(files):
        data = file.read_bytes()
        digest.update(b"%s %d " % (file.name.encode(), len(data)) + data)
    return digest.digest()


class Kept:
    """Looks into a store, and adds to it.  `watch` knows what pages hold."""

    def __init__(self, store: Store, watch: Watch, version: bytes) -> None:
        self.counts = KeptCounts()
        self.store = store
        self._watch, self._version = watch, version
        self._options: Options | None = None
        self._prefix = b""

    def find(
        self, eip: int, down: bool, first: bool, options: Options, stack_key: int,
        foresee: Foresight = blind,
    ) -> Block | None:  # fmt: skip
        """The block that would be made for an address; `stack_key`: what R1 holds."""
        began = time.perf_counter()
        block = self._find(eip, down, first, options, stack_key, foresee)
        self.counts.seconds += time.perf_counter() - began
        if block is None:
            self.counts.missing += 1
        else:
            self.counts.found += 1
        return block

    def _find(
        self, eip: int, down: bool, first: bool, options: Options, stack_key: int,
        foresee: Foresight,
    ) -> Block | None:  # fmt: skip
        place, digest = self._key(eip, down, first, options), self._watch.digest
        for data in self.store.find(place) if place is not None else ():
            found = unpack(data)
            if found is None or eip not in found[0].entries:
                continue
            block, pages = found
            if block.start != eip or block.stack_key not in (None, stack_key):
                continue
            if block.foreseen and any(foresee(asked) != known for asked, known in block.foreseen):
                continue
            for page, held in pages:
                if digest(page) != held:
                    break
            else:
                return block
        return None

    def add(self, block: Block, down: bool, first: bool, options: Options) -> None:
        """`options` are those it was looked for with."""
        began = time.perf_counter()
        key = self._key(block.start, down, first, options)
        digests = [(page, self._watch.digest(page)) for page in sorted(block.pages)]
        pages = tuple((page, digest) for page, digest in digests if digest is not None)
        if key is not None and len(pages) == len(digests):
            self.store.add(key, pack(block, pages))
        self.counts.seconds += time.perf_counter() - began

    def _key(self, eip: int, down: bool, first: bool, options: Options) -> bytes | None:
        page = self._watch.digest(eip // PAGE)
        if page is None:
            return None
        if options is not self._options:
            self._options = options
            told = self._version + repr(astuple(options)).encode()
            self._prefix = blake2b(told, digest_size=32).digest()
        return self._prefix + _PLACE.pack(eip, down | first << 1) + page
