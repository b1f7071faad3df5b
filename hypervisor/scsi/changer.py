"""A medium changer: the robot of a tape library, which puts cartridges into drives (SMC-3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .backing import BackingError
from .command import CommandSet
from .elements import FIRST, Element, Elements, Kind
from .status import CheckConditionError, Condition
from .unit import Identity, LogicalUnit, locking
from .unit import commands as common_commands

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .command import Nexus, Task
    from .elements import Cartridge

commands = CommandSet(common_commands, locking)

_ASSIGNMENT, _GEOMETRY, _CAPABILITIES = 0x1D, 0x1E, 0x1F
"""Mode pages."""
_HOLDERS = 1 << Kind.STORAGE - 1 | 1 << Kind.PORT - 1 | 1 << Kind.DRIVE - 1
"""Kinds between which cartridges move, as bits of the page of capabilities."""
_FULL, _FROM_OUTSIDE, _ACCESS, _EXPORT, _IMPORT = 0x01, 0x02, 0x08, 0x10, 0x20
"""Flags of an element's descriptor."""
_LABELS = 0x80
_LABEL_LENGTH = 36
_ASCII, _T10 = 2, 1
"""Code set and type of a drive's identifier."""


class LibraryError(Exception):
    """What an operator asks of a library cannot be; the message says why."""


class Keeper(Protocol):
    """Whoever remembers, beyond the machine's end, where cartridges are."""

    def keep(self, layout: Mapping[int, str]) -> None:
        """Which cartridge is at which address now; raises `BackingError`, and the old one stays."""


class MediumChanger(LogicalUnit):
    """A robot over `elements`; each move is kept before it is made."""

    device_type = 0x08
    removable = True
    commands = commands

    def __init__(self, identity: Identity, elements: Elements, keeper: Keeper) -> None:
        super().__init__(identity)
        self.elements, self._keeper = elements, keeper

    # -- the operator ----------------------------------------------------------------------

    def insert(self, cartridge: Cartridge) -> Element:
        """Put a cartridge from outside into a free port; `LibraryError`, `BackingError`."""
        if (there := self.elements.holding(cartridge.barcode)) is not None:
            raise LibraryError(f"{cartridge.barcode} is in the library: element {there.address}")
        self._check_ports()
        if (port := self.elements.free(Kind.PORT)) is None:
            raise LibraryError("no import/export element is free; export what is there first")
        self._keeper.keep(self.elements.layout() | {port.address: cartridge.barcode})
        port.cartridge, port.source, port.from_outside = cartridge, 0, True
        self.attention_to_all(Condition.PORT_ACCESSED)
        return port

    def export(self, barcode: str) -> None:
        """Take a cartridge out of a port; `LibraryError`, `BackingError`."""
        self._check_ports()
        port = self.elements.holding(barcode)
        if port is None or port.kind is not Kind.PORT:
            where = "not in the library" if port is None else f"at element {port.address}"
            raise LibraryError(
                f"{barcode} is {where}; a partition moves it to an import/export element first: "
                f"mtx transfer"
            )
        layout = self.elements.layout()
        del layout[port.address]
        self._keeper.keep(layout)
        port.cartridge, port.source, port.from_outside = None, 0, False
        self.attention_to_all(Condition.PORT_ACCESSED)

    def _check_ports(self) -> None:
        if self.locked:
            raise LibraryError("a partition has locked the import/export elements")

    def close(self) -> None:
        """The machine ends: tapes are taken out of the drives, and are in them the next time."""
        for element in self.elements.of_kind(Kind.DRIVE):
            if element.drive is not None:
                element.drive.unload(force=True)

    # -- state that initiators know --------------------------------------------------------

    def resume(self, nexus: Nexus) -> None:
        """Cartridges may be elsewhere, whatever the saved initiator believes."""
        self.attention(nexus, Condition.POWER_ON_OR_RESET)

    def mode_pages(self) -> Mapping[int, tuple[bytes, bytes]]:
        assignment = b"".join(
            FIRST[kind].to_bytes(2, "big") + len(self.elements.of_kind(kind)).to_bytes(2, "big")
            for kind in (Kind.TRANSPORT, Kind.STORAGE, Kind.PORT, Kind.DRIVE)
        )
        moves = bytes([0, _HOLDERS, _HOLDERS, _HOLDERS])
        capabilities = bytes([_HOLDERS, 0]) + moves + bytes(4) + moves + bytes(4)
        pages = {
            _ASSIGNMENT: assignment + bytes(2),
            _GEOMETRY: bytes(2),
            _CAPABILITIES: capabilities,
        }
        return {code: (values, bytes(len(values))) for code, values in pages.items()}

    # -- moving ----------------------------------------------------------------------------

    @commands.define(0xA5, "MOVE MEDIUM", 12)
    def move_medium(self, task: Task) -> bytes:
        self._transport(task, 10)
        source, to = self._full(task.number(4, 2)), self._element(task.number(6, 2))
        if source is to:
            return b""
        if to.cartridge is not None:
            raise CheckConditionError(Condition.DESTINATION_FULL)
        self._move([(source, to)])
        return b""

    @commands.define(0xA6, "EXCHANGE MEDIUM", 12)
    def exchange_medium(self, task: Task) -> bytes:
        """What is at the first destination goes to the second one, what is at the source to it."""
        self._transport(task, 10)
        source, first = self._full(task.number(4, 2)), self._full(task.number(6, 2))
        second = self._element(task.number(8, 2))
        if source is first or second is first:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        if second.cartridge is not None and second is not source:
            raise CheckConditionError(Condition.DESTINATION_FULL)
        self._move([(source, first), (first, second)])
        return b""

    @commands.define(0x2B, "POSITION TO ELEMENT", 10)
    def position_to_element(self, task: Task) -> bytes:
        """The robot is everywhere at once."""
        self._transport(task, 8)
        self._element(task.number(4, 2))
        return b""

    @commands.define(0x07, "INITIALIZE ELEMENT STATUS", 6)
    def initialize_element_status(self, task: Task) -> bytes:
        """All labels are known."""
        return b""

    @commands.define(0x37, "INITIALIZE ELEMENT STATUS WITH RANGE", 10)
    def initialize_range(self, task: Task) -> bytes:
        return b""

    def _transport(self, task: Task, flags: int) -> None:
        """Check the transport's address, 0 being the default, and that nothing is turned over."""
        if task.number(2, 2) not in (0, FIRST[Kind.TRANSPORT]):
            raise CheckConditionError(Condition.INVALID_ELEMENT)
        if task.cdb[flags] & 0x03:  # media have one side
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)

    def _element(self, address: int) -> Element:
        found = self.elements.at(address)
        if found is None or found.kind is Kind.TRANSPORT:
            raise CheckConditionError(Condition.INVALID_ELEMENT)
        return found

    def _full(self, address: int) -> Element:
        if (found := self._element(address)).cartridge is None:
            raise CheckConditionError(Condition.SOURCE_EMPTY)
        return found

    def _move(self, ways: Sequence[tuple[Element, Element]]) -> None:
        """Move cartridges at once, all or none; drives unload theirs."""
        for source, _ in ways:
            if source.drive is not None and source.drive.locked:
                raise CheckConditionError(Condition.MEDIUM_REMOVAL_PREVENTED)
        taken = [(to, source.cartridge, source.source, source) for source, to in ways]
        layout = self.elements.layout()
        for source, _ in ways:
            del layout[source.address]
        layout |= {to.address: its.barcode for to, its, _, _ in taken if its is not None}
        self._flush(source for source, _ in ways)
        try:
            self._keeper.keep(layout)
        except BackingError:
            raise CheckConditionError(Condition.INTERNAL_FAILURE) from None
        for source, _ in ways:
            if source.drive is not None:
                source.drive.unload()
            source.cartridge, source.source, source.from_outside = None, 0, False
        for to, cartridge, came_from, source in taken:
            to.cartridge = cartridge
            to.source = source.address if source.kind is Kind.STORAGE else came_from
        self._thread(to for _, to in ways)

    @staticmethod
    def _flush(sources: Iterable[Element]) -> None:
        """What was written is on the tapes before they move."""
        for source in sources:
            if source.drive is not None and source.drive.tape is not None:
                try:
                    source.drive.tape.flush()
                except BackingError:
                    raise CheckConditionError(Condition.LOAD_OR_EJECT_FAILED) from None

    @staticmethod
    def _thread(elements: Iterable[Element]) -> None:
        """Have drives load what was put into them; a tape that cannot be used lies there."""
        failed = False
        for element in elements:
            if element.drive is None or element.cartridge is None:
                continue
            try:
                element.drive.load(element.cartridge.open())
            except BackingError:
                failed = True
        if failed:
            raise CheckConditionError(Condition.LOAD_OR_EJECT_FAILED)

    def restore(self, cartridges: Mapping[int, Cartridge]) -> list[str]:
        """Put cartridges where they were, by address; gives those that their drive cannot use."""
        failed = []
        for address, cartridge in cartridges.items():
            element = self.elements.at(address)
            assert element is not None, "the keeper knows the elements"
            element.cartridge = cartridge
            try:
                self._thread([element])
            except CheckConditionError:
                failed.append(cartridge.barcode)
        return failed

    # -- telling ---------------------------------------------------------------------------

    @commands.define(0xB8, "READ ELEMENT STATUS", 12)
    def read_element_status(self, task: Task) -> bytes:
        """Elements from an address on, a page for each kind (SMC-3 6.11)."""
        labels, wanted = bool(task.cdb[1] & 0x10), task.cdb[1] & 0x0F
        identifiers, room = bool(task.cdb[6] & 1), task.number(7, 3)
        if wanted > max(Kind):
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        kinds = [Kind(wanted)] if wanted else list(Kind)
        first, most = task.number(2, 2), task.number(4, 2)
        chosen = [its for its in self.elements if its.kind in kinds and its.address >= first]
        chosen = chosen[:most]
        if not chosen:
            if first > max(its.address for its in self.elements):
                raise CheckConditionError(Condition.INVALID_ELEMENT)
            return bytes(8)[:room]
        pages = b"".join(
            _page(kind, its, labels=labels, identifiers=identifiers)
            for kind in Kind
            if (its := [element for element in chosen if element.kind is kind])
        )
        header = chosen[0].address.to_bytes(2, "big") + len(chosen).to_bytes(2, "big")
        return (header + len(pages).to_bytes(4, "big") + pages)[:room]


def _page(kind: Kind, elements: Sequence[Element], *, labels: bool, identifiers: bool) -> bytes:
    described = [_descriptor(its, labels=labels, identifiers=identifiers) for its in elements]
    length = max(map(len, described))
    body = b"".join(its.ljust(length, b"\0") for its in described)
    flags = _LABELS if labels else 0
    return bytes([kind, flags]) + length.to_bytes(2, "big") + len(body).to_bytes(4, "big") + body


def _descriptor(element: Element, *, labels: bool, identifiers: bool) -> bytes:
    flags = _FULL if element.cartridge is not None else 0
    if element.kind is Kind.PORT:
        flags |= _IMPORT | _EXPORT | (_FROM_OUTSIDE if element.from_outside else 0)
    if element.kind is not Kind.TRANSPORT:
        flags |= _ACCESS
    data = bytearray(12)
    data[0:2] = element.address.to_bytes(2, "big")
    data[2] = flags
    if element.cartridge is not None and element.source:
        data[9] = 0x80  # the source is valid
        data[10:12] = element.source.to_bytes(2, "big")
    if labels:
        text = b"" if element.cartridge is None else element.cartridge.barcode.encode("ascii")
        data += text.ljust(_LABEL_LENGTH - 4, b" " if text else b"\0") + bytes(4)
    name = b""
    if identifiers and element.drive is not None:
        name = element.drive.identity.designator
    data += bytes([_ASCII if name else 0, _T10 if name else 0, 0, len(name)]) + name
    return bytes(data)
