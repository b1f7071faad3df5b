"""A tape library: a changer, its drives, and a directory of the host with the cartridges.

BARCODE.tap is a tape image, and the cartridge with that label.  A file beside them keeps where each
one is, so that a machine that is started again finds them there.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from emu.values import frozen
from hypervisor.scsi.backing import BackingError
from hypervisor.scsi.changer import LibraryError, MediumChanger
from hypervisor.scsi.elements import BARCODE_LENGTH, Elements, Kind
from hypervisor.scsi.tape import TapeDrive
from hypervisor.scsi.unit import Identity

from .raw_file import MediaError
from .replacing import replacing
from .tape_file import TapeFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypervisor.san.definition import LibraryDefinition
    from hypervisor.scsi.elements import Element

_LAYOUT = "library.json"
_BARCODE = re.compile(rf"[A-Z0-9]{{1,{BARCODE_LENGTH}}}")
_MAKER, _CHANGER, _DRIVE = "IBM", "3573-TL", "ULT3580-TD8"
"""What INQUIRY says, as IBM's small libraries do."""


@frozen
class TapeCartridge:
    """A cartridge in a directory."""

    barcode: str
    path: Path

    def open(self) -> TapeFile:
        try:
            return TapeFile(self.path, unreadable=True)
        except MediaError as wrong:
            raise BackingError(str(wrong)) from None


class TapeLibrary:
    """All of a library; `close` it.

    Raises `MediaError` where directory and library do not fit, or another machine has it.
    """

    def __init__(self, definition: LibraryDefinition, name: str) -> None:
        self._name, self._directory = name, Path(definition.directory)
        self._lock = self._locked()
        try:
            self.drives = tuple(
                TapeDrive(f"{name}D{number}") for number in range(1, definition.drives + 1)
            )
            for drive in self.drives:
                drive.identity = Identity(_DRIVE, drive.identity.serial, vendor=_MAKER)
            elements = Elements.of(self.drives, definition.slots, definition.ports)
            self.changer = MediumChanger(Identity(_CHANGER, name, vendor=_MAKER), elements, self)
            self._outside: set[str] = set()
            self._fill(elements)
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        self.changer.close()
        os.close(self._lock)

    # -- the operator ----------------------------------------------------------------------

    def insert(self, barcode: str) -> Element:
        """Put the cartridge BARCODE.tap into a free port; `LibraryError`."""
        cartridge = TapeCartridge(barcode, self._directory / f"{barcode}.tap")
        if not _BARCODE.fullmatch(barcode) or not cartridge.path.is_file():
            raise LibraryError(
                f"there is no cartridge {barcode[:40]} outside: touch BARCODE.tap in "
                f"{self._directory} makes a blank one (capital letters and digits)"
            )
        try:
            return self.changer.insert(cartridge)
        except BackingError as wrong:
            raise LibraryError(str(wrong)) from None

    def export(self, barcode: str) -> None:
        """Take a cartridge out of a port; `LibraryError`."""
        try:
            self.changer.export(barcode)
        except BackingError as wrong:
            raise LibraryError(str(wrong)) from None

    # -- what is kept ----------------------------------------------------------------------

    def keep(self, layout: Mapping[int, str]) -> None:
        """Replace the file that says where cartridges are; raises `BackingError`."""
        inside = set(layout.values())
        outside = sorted((self._outside | set(self.changer.elements.layout().values())) - inside)
        text = json.dumps({"elements": dict(sorted(layout.items())), "outside": outside}, indent=1)
        path = self._directory / _LAYOUT
        try:
            with replacing(path) as file:
                file.write(text.encode())
        except OSError as wrong:
            raise BackingError(f"{path}: {wrong.strerror or wrong}") from None
        self._outside = set(outside)

    def _locked(self) -> int:
        """A lock on the directory: one machine has it."""
        try:
            lock = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as wrong:
            raise MediaError(f"{self._directory}: {wrong.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise MediaError(f"{self._directory} is the library of another machine") from None
        return lock

    def _fill(self, elements: Elements) -> None:
        """Put cartridges where they were, and new ones into free storage elements, by label."""
        here = {
            path.stem: TapeCartridge(path.stem, path)
            for path in sorted(self._directory.glob("*.tap"))
        }
        for barcode in here:
            if not _BARCODE.fullmatch(barcode):
                raise MediaError(
                    f"{here[barcode].path}: a label has 1 to {BARCODE_LENGTH} capital letters and "
                    "digits; rename the file"
                )
        kept, outside = self._kept()
        self._outside = outside & set(here)
        layout: dict[int, str] = {}
        for address, barcode in kept.items():
            element = elements.at(address)
            movable = element is not None and element.kind is not Kind.TRANSPORT
            if movable and barcode in here and barcode not in layout.values():
                layout[address] = barcode
        free = [its.address for its in elements.of_kind(Kind.STORAGE) if its.address not in layout]
        new = [its for its in here if its not in self._outside and its not in layout.values()]
        if len(new) > len(free):
            raise MediaError(
                f"{self._directory} has {len(new)} cartridges without a place, and {self._name} "
                f"{len(free)} free slots: give it more, or move files elsewhere"
            )
        layout |= dict(zip(free, new, strict=False))
        failed = self.changer.restore({at: here[barcode] for at, barcode in layout.items()})
        if failed:
            self.changer.close()
            raise MediaError(
                f"{here[failed[0]].path} is in a drive and cannot be used: it is gone or in use"
            )

    def _kept(self) -> tuple[dict[int, str], set[str]]:
        """Which cartridge was where, and which were outside."""
        path = self._directory / _LAYOUT
        try:
            content = json.loads(path.read_text(encoding="ascii"))
            elements = {int(at): str(barcode) for at, barcode in content["elements"].items()}
            return elements, {str(barcode) for barcode in content["outside"]}
        except FileNotFoundError:
            return {}, set()
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise MediaError(
                f"{path} is damaged; without it all cartridges are put into free slots"
            ) from None
