"""A logical unit: what all kinds of devices have in common (SPC-4)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from emu.values import frozen

from .command import MOST_BYTES, CommandSet, Nexus, Task
from .reservations import CAPABILITY_MASK, Reservations, persistent_reserve_out
from .status import CheckConditionError, Condition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .command import Command

commands = CommandSet()
locking = CommandSet()
"""Those of units that keep a medium in for their initiators."""

_ATTENTIONS_AT_MOST = 8
_NEXUSES_AT_MOST = 256
_LONGEST_SERIAL = 0xFF - 8 - 16
"""Behind vendor and product, in a designator."""
_ALL_PAGES = 0x3F
_CHANGEABLE, _DEFAULT, _SAVED = 1, 2, 3
"""Page controls of MODE SENSE; 0 is the current values."""


@frozen
class Identity:
    """What INQUIRY says."""

    product: str
    serial: str
    vendor: str = "AIX"
    revision: str = "0001"

    @property
    def unit_serial(self) -> bytes:
        """In ASCII, and its end if it is too long for a designator: there units differ."""
        return self.serial.encode("ascii", "replace")[-_LONGEST_SERIAL:]

    @property
    def designator(self) -> bytes:
        """What a T10 vendor identification says (SPC-4 7.8.6.4)."""
        return self.vendor.encode().ljust(8) + self.product.encode().ljust(16) + self.unit_serial


class LogicalUnit:
    """A device of one `device_type`; subclasses add their commands to `commands`."""

    device_type: int
    removable = False
    shared = False
    """Several partitions, which run side by side, use it: only while none of them runs."""
    commands: CommandSet

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.reservations = Reservations(self.attention)
        self._attentions: dict[Nexus, deque[Condition]] = {}
        self._lockers: set[Nexus] = set()

    # -- carrying out ----------------------------------------------------------------------

    def execute(self, task: Task) -> bytes:
        """Carry out a command; gives the data for the initiator.

        Raises `CheckConditionError` or `ReservationConflictError`.
        """
        command = self.commands.find(task.cdb)
        if not command.always:
            self._tell_attention(task.nexus)
            self.reservations.admit(task.nexus, task.opcode)
        return command.handler(self, task)

    def attention(self, nexus: Nexus, condition: Condition) -> None:
        """An initiator is to learn of `condition` at its next command."""
        if nexus not in self._attentions and len(self._attentions) >= _NEXUSES_AT_MOST:
            return
        waiting = self._attentions.setdefault(nexus, deque(maxlen=_ATTENTIONS_AT_MOST))
        if condition not in waiting:
            waiting.append(condition)

    def attention_to_all(self, condition: Condition, but: Nexus | None = None) -> None:
        for nexus in self._attentions:
            if nexus != but:
                self.attention(nexus, condition)

    def login(self, nexus: Nexus) -> None:
        """An initiator begins: it finds the unit as after power-on."""
        self._attentions[nexus] = deque(maxlen=_ATTENTIONS_AT_MOST)
        self.attention(nexus, Condition.POWER_ON_OR_RESET)
        self.lock(nexus, on=False)

    def resume(self, nexus: Nexus) -> None:
        """An initiator that was saved goes on: it knows the unit."""
        self._attentions.setdefault(nexus, deque(maxlen=_ATTENTIONS_AT_MOST))

    def logout(self, nexus: Nexus) -> None:
        self._attentions.pop(nexus, None)
        self.reservations.release_simple(nexus)
        self.lock(nexus, on=False)

    def reset(self) -> None:
        """LOGICAL UNIT RESET."""
        self.reservations.reset()
        self._lockers.clear()
        self.attention_to_all(Condition.POWER_ON_OR_RESET)

    @property
    def locked(self) -> bool:
        """Whether any initiator keeps the medium in."""
        return bool(self._lockers)

    def locked_by(self, nexus: Nexus) -> bool:
        return nexus in self._lockers

    def lock(self, nexus: Nexus, *, on: bool) -> None:
        """An initiator keeps the medium in, or does not; others may still (SPC-4 6.14)."""
        (self._lockers.add if on else self._lockers.discard)(nexus)

    def _tell_attention(self, nexus: Nexus) -> None:
        if waiting := self._attentions.get(nexus):
            raise CheckConditionError(waiting.popleft())

    # -- what kinds differ in --------------------------------------------------------------

    def ready(self) -> None:
        """Raise unless the medium can be used."""

    def mode_pages(self) -> Mapping[int, tuple[bytes, bytes]]:
        """By code: the current values behind the page's header, and which bits can change."""
        return {}

    def set_mode_page(self, code: int, values: bytes) -> None:
        """Take over values of a page; those that cannot change are as they were."""

    def device_specific(self) -> int:
        """The byte of the mode parameter header that the kind of device defines."""
        return 0

    def block_descriptor(self) -> bytes:
        """The short mode parameter block descriptor, if there is one."""
        return b""

    def set_mode_header(self, device_specific: int, descriptor: bytes) -> None:
        """Take over the header's byte and the block descriptor of MODE SELECT, or refuse them."""

    def vital_pages(self) -> Mapping[int, bytes]:
        """Vital product data beside those that all units have, by page code."""
        return {}

    # -- commands --------------------------------------------------------------------------

    @commands.define(0x00, "TEST UNIT READY", 6)
    def test_unit_ready(self, task: Task) -> bytes:
        self.ready()
        return b""

    @commands.define(0x03, "REQUEST SENSE", 6, always=True)
    def request_sense(self, task: Task) -> bytes:
        if task.cdb[1] & 1:  # sense data are in the fixed format
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        waiting = self._attentions.get(task.nexus)
        condition = waiting.popleft() if waiting else Condition.NOTHING
        return condition.sense()[: task.cdb[4]]

    @commands.define(0x12, "INQUIRY", 6, always=True)
    def inquiry(self, task: Task) -> bytes:
        room = task.number(3, 2)
        if not task.cdb[1] & 1:
            if task.cdb[2]:
                raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
            return self._standard_inquiry()[:room]
        pages = self._vital_pages()
        if (page := pages.get(task.cdb[2])) is None:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        header = bytes([self.device_type, task.cdb[2]]) + len(page).to_bytes(2, "big")
        return (header + page)[:room]

    def _standard_inquiry(self) -> bytes:
        identity = self.identity
        data = bytearray(96)
        data[0] = self.device_type
        data[1] = 0x80 if self.removable else 0
        data[2] = 6  # SPC-4
        data[3] = 0x12  # hierarchical addresses, response format 2
        data[4] = len(data) - 5
        data[7] = 0x02  # command queues
        data[8:16] = identity.vendor.encode().ljust(8)[:8]
        data[16:32] = identity.product.encode().ljust(16)[:16]
        data[32:36] = identity.revision.encode().ljust(4)[:4]
        for at, standard in enumerate((0x0940, 0x0460)):  # SRP, SPC-4
            data[58 + 2 * at : 60 + 2 * at] = standard.to_bytes(2, "big")
        return bytes(data)

    def _vital_pages(self) -> dict[int, bytes]:
        serial, name = self.identity.unit_serial, self.identity.designator
        designators = bytes([0x02, 0x01, 0, len(name)]) + name  # T10 vendor identification
        unique = self._naa()
        designators += bytes([0x01, 0x03, 0, len(unique)]) + unique
        pages = {0x80: serial, 0x83: designators, **self.vital_pages()}
        return {0x00: bytes(sorted((0x00, *pages))), **pages}

    def _naa(self) -> bytes:
        """A locally assigned world wide name that follows from the serial number."""
        import hashlib

        digest = hashlib.sha256(self.identity.serial.encode()).digest()
        return bytes([0x30 | digest[0] & 0xF]) + digest[1:8]

    @commands.define(0xA0, "REPORT LUNS", 12, always=True)
    def report_luns(self, task: Task) -> bytes:
        """A unit that stands alone; what an adapter has, `Targets` says."""
        return ((8).to_bytes(4, "big") + bytes(12))[: task.number(6, 4)]

    @commands.define(0x1D, "SEND DIAGNOSTIC", 6)
    def send_diagnostic(self, task: Task) -> bytes:
        """The default self-test finds nothing wrong; there are no others."""
        if not task.cdb[1] & 0x04 or task.number(3, 2):
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        return b""

    @commands.define(0x16, "RESERVE(6)", 6)
    def reserve(self, task: Task) -> bytes:
        self.reservations.reserve_simple(task.nexus)
        return b""

    @commands.define(0x17, "RELEASE(6)", 6, always=True)
    def release(self, task: Task) -> bytes:
        self.reservations.release_simple(task.nexus)
        return b""

    @commands.define(0x56, "RESERVE(10)", 10)
    def reserve_10(self, task: Task) -> bytes:
        return self.reserve(task)

    @commands.define(0x57, "RELEASE(10)", 10, always=True)
    def release_10(self, task: Task) -> bytes:
        return self.release(task)

    @commands.define(0x1A, "MODE SENSE(6)", 6)
    def mode_sense(self, task: Task) -> bytes:
        pages, descriptor = self._mode_data(task)
        header = bytes([self.device_specific(), len(descriptor)])
        body = bytes([0]) + header + descriptor + pages
        return (bytes([len(body) & 0xFF]) + body)[: task.cdb[4]]

    @commands.define(0x5A, "MODE SENSE(10)", 10)
    def mode_sense_10(self, task: Task) -> bytes:
        pages, descriptor = self._mode_data(task)
        header = bytes([0, self.device_specific(), 0, 0]) + len(descriptor).to_bytes(2, "big")
        body = header + descriptor + pages
        return (len(body).to_bytes(2, "big") + body)[: task.number(7, 2)]

    def _mode_data(self, task: Task) -> tuple[bytes, bytes]:
        descriptor = b"" if task.cdb[1] & 0x08 else self.block_descriptor()
        control, wanted, sub = task.cdb[2] >> 6, task.cdb[2] & 0x3F, task.cdb[3]
        if control == _SAVED or sub not in (0, 0xFF):
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        pages = self.mode_pages()
        if wanted != _ALL_PAGES and wanted not in pages:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        data = b""
        for code, (values, changeable) in pages.items():
            if wanted in (code, _ALL_PAGES):
                shown = changeable if control == _CHANGEABLE else values
                data += bytes([code, len(shown)]) + shown
        return data, descriptor

    @commands.define(0x15, "MODE SELECT(6)", 6)
    def mode_select(self, task: Task) -> bytes:
        data = task.parameters(task.cdb[4])
        if data:
            self._select(data, 4, task)
        return b""

    @commands.define(0x55, "MODE SELECT(10)", 10)
    def mode_select_10(self, task: Task) -> bytes:
        data = task.parameters(task.number(7, 2))
        if data:
            self._select(data, 8, task)
        return b""

    def _select(self, data: bytes, header: int, task: Task) -> None:
        """Check the whole list, then take it over (SPC-4 6.10)."""
        if len(data) < header:
            raise CheckConditionError(Condition.PARAMETER_LIST_LENGTH)
        specific = data[2 if header == 4 else 3]
        descriptors = int.from_bytes(
            data[header - 1 if header == 4 else header - 2 : header], "big"
        )
        if task.cdb[1] & 0x01:  # nothing is saved over a power cycle
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        if len(data) < header + descriptors:
            raise CheckConditionError(Condition.PARAMETER_LIST_LENGTH)
        rest, taken = data[header + descriptors :], []
        pages = self.mode_pages()
        while rest:
            if len(rest) < 2 or len(rest) < 2 + rest[1]:
                raise CheckConditionError(Condition.PARAMETER_LIST_LENGTH)
            code, values = rest[0] & 0x3F, rest[2 : 2 + rest[1]]
            if code not in pages or len(values) != len(pages[code][0]):
                raise CheckConditionError(Condition.INVALID_FIELD_IN_PARAMETERS)
            for new, old, may in zip(values, *pages[code], strict=True):
                if (new ^ old) & ~may:
                    raise CheckConditionError(Condition.INVALID_FIELD_IN_PARAMETERS)
            taken.append((code, values))
            rest = rest[2 + len(values) :]
        self.set_mode_header(specific, data[header : header + descriptors])
        for code, values in taken:
            self.set_mode_page(code, values)
        if taken:
            self.attention_to_all(Condition.MODE_PARAMETERS_CHANGED, but=task.nexus)

    @commands.define(0x5E, "PERSISTENT RESERVE IN, READ KEYS", 10, action=0, always=True)
    def read_keys(self, task: Task) -> bytes:
        return self._reservation_data(task, self.reservations.read_keys())

    @commands.define(0x5E, "PERSISTENT RESERVE IN, READ RESERVATION", 10, action=1, always=True)
    def read_reservation(self, task: Task) -> bytes:
        return self._reservation_data(task, self.reservations.read_reservation())

    @commands.define(0x5E, "PERSISTENT RESERVE IN, REPORT CAPABILITIES", 10, action=2, always=True)
    def report_reservation_capabilities(self, task: Task) -> bytes:
        # RESERVE/RELEASE besides; the mask of types is valid.
        data = bytes([0, 8, 0x10, 0x80]) + CAPABILITY_MASK.to_bytes(2, "big") + bytes(2)
        return data[: task.number(7, 2)]

    @commands.define(0x5E, "PERSISTENT RESERVE IN, READ FULL STATUS", 10, action=3, always=True)
    def read_full_status(self, task: Task) -> bytes:
        return self._reservation_data(task, self.reservations.full_status())

    def _reservation_data(self, task: Task, data: bytes) -> bytes:
        header = self.reservations.generation & 0xFFFFFFFF, len(data)
        return (b"".join(n.to_bytes(4, "big") for n in header) + data)[: task.number(7, 2)]

    def _persistent_reserve(self, task: Task) -> bytes:
        persistent_reserve_out(self.reservations, task)
        return b""

    for _action, _name in enumerate(
        (
            "REGISTER",
            "RESERVE",
            "RELEASE",
            "CLEAR",
            "PREEMPT",
            "PREEMPT AND ABORT",
            "REGISTER AND IGNORE EXISTING KEY",
        )
    ):
        commands.define(0x5F, f"PERSISTENT RESERVE OUT, {_name}", 10, action=_action, always=True)(
            _persistent_reserve
        )
    del _action, _name

    @commands.define(0xA3, "REPORT SUPPORTED OPERATION CODES", 12, action=0x0C)
    def report_operation_codes(self, task: Task) -> bytes:
        """All of them, or one (SPC-4 6.35)."""
        room, option = task.number(6, 4), task.cdb[2] & 7
        if option == 0:
            data = b"".join(_descriptor(command) for command in self.commands)
            return (len(data).to_bytes(4, "big") + data)[:room]
        opcode, action = task.cdb[3], task.number(4, 2)
        found = [c for c in self.commands if c.opcode == opcode]
        if option == 2:
            found = [c for c in found if c.action == action]
        elif option != 1 or any(c.action is not None for c in found):
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        if not found:
            return bytes([0, 1, 0, 0])[:room]  # not supported
        usage = bytes([opcode]) + bytes([0xFF]) * (found[0].length - 1)
        return (bytes([0, 3]) + len(usage).to_bytes(2, "big") + usage)[:room]


@locking.define(0x1E, "PREVENT ALLOW MEDIUM REMOVAL", 6)
def prevent_allow(unit: LogicalUnit, task: Task) -> bytes:
    unit.lock(task.nexus, on=bool(task.cdb[4] & 1))
    return b""


def _descriptor(command: Command) -> bytes:
    action = command.action or 0
    has_action = 1 if command.action is not None else 0
    length = command.length.to_bytes(2, "big")
    return bytes([command.opcode, 0]) + action.to_bytes(2, "big") + bytes([0, has_action]) + length


def padded(cdb: bytes) -> bytes:
    """A CDB as a `Task` holds it."""
    return cdb[:MOST_BYTES].ljust(MOST_BYTES, b"\0")
