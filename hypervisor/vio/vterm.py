"""Server virtual terminals: one partition at another one's console (LoPAR 17.5.2.4).

A server vty is connected to one client vty at a time, and a client vty to one server.  Partitions
run side by side, so connections are made and ended, and characters cross, between two slices, when
nobody runs; a processor that asks for a connection waits for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol

from emu.state import Length, check, record
from hypervisor.abi import H, HcallError, LogicalReal, UnitAddress
from hypervisor.hcall import HcallGroup, Postponed

from .adapter import AdapterKind, no_ioctl
from .vty import INPUT_LIMIT, characters_for_a_call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emu.memory import Memory

    from .adapter import InterruptLine, Slot
    from .pairs import Place
    from .vty import ClientTerminal, Terminals

hcalls = HcallGroup()

BUFFER_BYTES = 4096
"""The buffer for a partner is a page: two doublewords, and a location code that ends with 0."""
OUTPUT_LIMIT = 4096
"""Bytes that a server may have on their way to its client."""
_NOBODY = (1 << 64) - 1
"""Stands for partition and unit address in front of the first partner and behind the last one."""


@record
class ServerTerminalState:
    """A connection is not state: where the partition goes on, there is none."""

    unit: int
    interrupts_enabled: bool
    interrupt_owed: bool
    waiting: Annotated[bytes, Length(0, INPUT_LIMIT)]


class ClientSide:
    """A client vty as servers know it; it stays while its partition comes and goes."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.terminal: ClientTerminal | None = None
        self.server: ServerTerminal | None = None
        """Who is connected; it changes between slices alone."""
        self._said = bytearray()

    def plug(self, terminal: ClientTerminal) -> None:
        self.terminal = terminal
        terminal.listeners.append(self._hear)

    def unplug(self, terminal: ClientTerminal) -> None:
        """The adapter is no more: its partition ended, or gave it back."""
        if self.terminal is terminal:
            self.terminal = None

    def _hear(self, text: bytes) -> None:
        if self.server is not None:
            self._said += text[: INPUT_LIMIT - len(self._said)]

    def exchange(self) -> bool:
        """Nobody runs: bring what was written where it belongs; whether there was anything."""
        said, self._said = bytes(self._said), bytearray()
        if self.server is None:
            return False
        if self.server.gone:
            self.server = None
            return False
        if said:
            self.server.receive(said)
        return self.server.deliver(self.terminal) or bool(said)


class ServerTerminal:
    """One server vty, a `VirtualAdapter`; `partners` are what it can be connected to."""

    kind = AdapterKind.SERVER_TERMINAL

    def __init__(
        self,
        slot: Slot,
        interrupt: InterruptLine,
        partners: tuple[ClientSide, ...] = (),
        location: str = "",
    ) -> None:
        self.slot, self.interrupt, self.location = slot, interrupt, location
        self.partners = partners
        self.connection: ClientSide | None = None
        self.gone = False
        """The adapter is no more; its connection ends with the slice."""
        self._there = False
        """Whether the client had its vty when nobody ran."""
        self._input = bytearray()
        self._output = bytearray()

    @property
    def unit(self) -> UnitAddress:
        return self.slot.unit

    @property
    def use(self) -> str:
        """A terminal is never in the way of being given back."""
        return ""

    def ioctl(self, subfunction: int, arguments: tuple[int, int, int]) -> tuple[int, ...]:
        return no_ioctl(subfunction)

    # -- for the guest's hypercalls --------------------------------------------------------

    def partner_behind(self, partition: int, unit: int) -> ClientSide | None:
        """The partner behind that one, by partition and unit address; the first behind nobody."""
        if (partition, unit) == (_NOBODY, _NOBODY):
            return next(iter(self.partners), None)
        at = self.partners.index(self._partner(partition, unit))
        return next(iter(self.partners[at + 1 :]), None)

    def _partner(self, partition: int, unit: int) -> ClientSide:
        for its in self.partners:
            if (its.place.partition, its.place.slot.unit) == (partition, unit):
                return its
        raise HcallError(H.PARAMETER, f"no partner at {unit:#x} of partition {partition}")

    def connect(self, partition: int, unit: int) -> None:
        """Between slices."""
        partner = self._partner(partition, unit)
        if self.connection is not None:
            raise HcallError(H.PARAMETER, "it has a connection already")
        if partner.server is not None and not partner.server.gone:
            raise HcallError(H.PARAMETER, f"{partner.place.location} has another server")
        self._input.clear()
        self.connection, partner.server = partner, self
        self._there = partner.terminal is not None

    def disconnect(self) -> None:
        """Between slices."""
        partner, self.connection = self.connection, None
        if partner is None:
            raise HcallError(H.PARAMETER, "there is no connection")
        self.deliver(partner.terminal)
        partner.server = None
        self._there = False
        self._output.clear()

    def put(self, characters: bytes) -> None:
        """H_PUT_TERM_CHAR."""
        if not self._there:
            raise HcallError(H.CLOSED, "no vty is connected")
        if len(self._output) + len(characters) > OUTPUT_LIMIT:
            raise HcallError(H.BUSY, "the client does not read what is typed")
        self._output += characters

    def get(self) -> bytes:
        """H_GET_TERM_CHAR: 16 characters at most."""
        if not self._input and not self._there:
            raise HcallError(H.CLOSED, "no vty is connected")
        taken = characters_for_a_call(self._input)
        del self._input[: len(taken)]
        return taken

    @property
    def pending(self) -> int:
        """Bytes on their way to the client."""
        return len(self._output)

    # -- between slices --------------------------------------------------------------------

    def receive(self, said: bytes) -> None:
        """Take what the client wrote; what the guest does not read is lost beyond a limit."""
        self._input += said[: INPUT_LIMIT - len(self._input)]
        self._tell()

    def deliver(self, terminal: ClientTerminal | None) -> bool:
        """Type what the guest wrote, as far as there is room; whether there was anything."""
        there, self._there = self._there, terminal is not None
        if there and not self._there:
            self._tell()
        if terminal is None:
            self._output.clear()
            return False
        accepted = terminal.type(bytes(self._output))
        del self._output[:accepted]
        return accepted > 0

    def _tell(self) -> None:
        """Interrupt, now or when that is enabled: a driver looks before it enables, not after."""
        self.interrupt.owed = not self.interrupt.enabled
        self.interrupt.signal()

    # -- state -----------------------------------------------------------------------------

    def state(self) -> ServerTerminalState:
        line = self.interrupt
        return ServerTerminalState(self.unit, line.enabled, line.owed, bytes(self._input))

    def restore(self, state: ServerTerminalState) -> None:
        """The connection has ended; the guest is told so."""
        check(state.unit == self.unit, f"the server terminal at {state.unit:#x}")
        self.interrupt.enabled, self.interrupt.owed = state.interrupts_enabled, state.interrupt_owed
        self._input[:] = state.waiting


class Vterms:
    """The client vtys of a machine, by partition and slot."""

    def __init__(self) -> None:
        self._clients: dict[tuple[int, int], ClientSide] = {}

    def __iter__(self) -> Iterator[ClientSide]:
        return iter(self._clients.values())

    def add(self, place: Place) -> ClientSide:
        """The side of the client there, made at its first mention."""
        return self._clients.setdefault((place.partition, place.slot.number), ClientSide(place))

    def find(self, partition: int, slot: int) -> ClientSide | None:
        return self._clients.get((partition, slot))

    def exchange(self) -> bool:
        """Nobody runs: whether anything went from one partition to another."""
        return any([client.exchange() for client in self])


class TerminalsOfPartition(Protocol):
    @property
    def terminals(self) -> Terminals: ...
    @property
    def server_terminals(self) -> dict[UnitAddress, ServerTerminal]: ...
    @property
    def others_stand_still(self) -> bool: ...


class VtermOwner(Protocol):
    @property
    def virtual_io(self) -> TerminalsOfPartition: ...
    @property
    def memory(self) -> Memory: ...


class VtermCaller(Protocol):
    """A processor whose partition may have server vtys."""

    @property
    def partition(self) -> VtermOwner: ...


def _server(caller: VtermCaller, unit: UnitAddress) -> ServerTerminal:
    if (found := caller.partition.virtual_io.server_terminals.get(unit)) is None:
        raise HcallError(H.PARAMETER, f"no server terminal at unit address {unit:#x}")
    return found


@hcalls.define(0x150, papr="17.5.2.4.2.1", function_set="hcall-vty")
def h_vterm_partner_info(
    caller: VtermCaller,
    unit: UnitAddress,
    partition: int,
    partner_unit: int,
    buffer: LogicalReal,
) -> None:
    """Tell of the partner behind the one named, in a page; all ones are behind the last one."""
    server = _server(caller, unit)
    if buffer % BUFFER_BYTES:
        raise HcallError(H.PARAMETER, f"a buffer at {buffer:#x}: a whole page")
    found = server.partner_behind(partition, partner_unit)
    numbers, location = (_NOBODY, _NOBODY), ""
    if found is not None:
        numbers = (found.place.partition, found.place.slot.unit)
        location = found.place.location
    told = b"".join(number.to_bytes(8, "big") for number in numbers) + location.encode() + b"\0"
    caller.partition.memory.write(buffer, told)


@hcalls.define(0x154, papr="17.5.2.4.2.2", function_set="hcall-vty")
def h_register_vterm(
    caller: VtermCaller, unit: UnitAddress, partition: int, partner_unit: int
) -> None:
    """Connect a server terminal to a client's, which has no other connection."""
    server = _server(caller, unit)
    if not caller.partition.virtual_io.others_stand_still:
        raise Postponed
    server.connect(partition, partner_unit)


@hcalls.define(0x158, papr="17.5.2.4.2.3", function_set="hcall-vty")
def h_free_vterm(caller: VtermCaller, unit: UnitAddress) -> None:
    """End the connection of a server terminal."""
    server = _server(caller, unit)
    if not caller.partition.virtual_io.others_stand_still:
        raise Postponed
    server.disconnect()
