"""Client virtual terminals (LoPAR 17.5.2).

What the guest writes goes to whoever listens; what is typed waits in a queue of bounded length.
The adapter interrupts when there is something to read where there was nothing.  A guest speaks
with its terminal in plain characters or in packets (`hvsi`); firmware always in characters.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Protocol

from emu.state import Length, check, record
from hypervisor.abi import H, HcallError, UnitAddress
from hypervisor.hcall import HcallGroup

from .adapter import AdapterKind, no_ioctl
from .configuration import TerminalProtocol
from .hvsi import HvsiSession, HvsiState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .adapter import InterruptLine, Slot

hcalls = HcallGroup()

INPUT_LIMIT = 1 << 20
"""Bytes of input that may wait for a guest that does not read."""
CHUNK = 16
"""Characters of one hypercall."""


def characters_for_a_call(waiting: Iterable[int]) -> bytes:
    """What of `waiting` input one H_GET_TERM_CHAR gives: 16 characters at most.

    Linux drops a zero that stands behind a carriage return among them, as a fault of old
    firmware; so the next call begins with it.
    """
    first = bytes(islice(waiting, CHUNK))
    pair = first.find(b"\r\0")
    return first if pair < 0 else first[: pair + 1]


@record
class TerminalState:
    unit: int
    interrupts_enabled: bool
    waiting: Annotated[bytes, Length(0, INPUT_LIMIT)]
    session: HvsiState | None
    """With the protocol of packets."""


class ClientTerminal:
    """One client vty, a `VirtualAdapter`."""

    kind = AdapterKind.CLIENT_TERMINAL

    def __init__(
        self,
        slot: Slot,
        interrupt: InterruptLine,
        protocol: TerminalProtocol = TerminalProtocol.RAW,
    ) -> None:
        self.slot, self.interrupt, self.protocol = slot, interrupt, protocol
        self.listeners: list[Callable[[bytes], None]] = []
        self._input: deque[int] = deque()
        self._session = HvsiSession(self.write) if protocol is TerminalProtocol.HVSI else None

    @property
    def unit(self) -> UnitAddress:
        return self.slot.unit

    @property
    def use(self) -> str:
        """A terminal is never in the way of being given back."""
        return ""

    def ioctl(self, subfunction: int, arguments: tuple[int, int, int]) -> tuple[int, ...]:
        return no_ioctl(subfunction)

    def type(self, text: bytes) -> int:
        """Queue input for the guest; gives how many bytes found room."""
        accepted = text[: INPUT_LIMIT - len(self._input)]
        readable = self._readable
        self._input.extend(accepted)
        if self._readable and not readable:
            self.interrupt.signal()
        return len(accepted)

    @property
    def waiting(self) -> int:
        """Bytes of input the guest has not read yet."""
        return len(self._input)

    @property
    def _readable(self) -> bool:
        """Whether H_GET_TERM_CHAR would give anything."""
        session = self._session
        if session is None:
            return bool(self._input)
        return session.answers_wait or (session.opened and bool(self._input))

    # -- for firmware ----------------------------------------------------------------------

    def write(self, text: bytes) -> None:
        for listener in self.listeners:
            listener(text)

    def read(self, most: int) -> bytes:
        count = min(most, len(self._input))
        return bytes([self._input.popleft() for _ in range(count)])

    # -- for the guest's hypercalls --------------------------------------------------------

    def put(self, characters: bytes) -> None:
        """H_PUT_TERM_CHAR."""
        if self._session is None:
            self.write(characters)
            return
        readable = self._readable
        self._session.receive(characters)
        if self._readable and not readable:
            self.interrupt.signal()

    def get(self) -> bytes:
        """H_GET_TERM_CHAR: 16 characters at most, or a packet."""
        if self._session is not None:
            return self._session.next_packet(self.read)
        return self.read(len(characters_for_a_call(self._input)))

    # -- state -----------------------------------------------------------------------------

    def state(self) -> TerminalState:
        session = None if self._session is None else self._session.state()
        return TerminalState(self.unit, self.interrupt.enabled, bytes(self._input), session)

    def restore(self, state: TerminalState) -> None:
        check(state.unit == self.unit, f"the terminal at {state.unit:#x}")
        self.interrupt.enabled, self._input = state.interrupts_enabled, deque(state.waiting)
        check((state.session is None) == (self._session is None), "another terminal protocol")
        if self._session is not None and state.session is not None:
            self._session.restore(state.session)


class Terminals:
    """A partition's terminals by unit address."""

    def __init__(self) -> None:
        self._terminals: dict[UnitAddress, ClientTerminal] = {}

    def __iter__(self) -> Iterator[ClientTerminal]:
        """By slot."""
        return iter([self._terminals[unit] for unit in sorted(self._terminals)])

    def add(self, terminal: ClientTerminal) -> None:
        if terminal.unit in self._terminals:
            raise ValueError(f"unit address {terminal.unit:#x} is taken")
        self._terminals[terminal.unit] = terminal

    def remove(self, unit: UnitAddress) -> None:
        del self._terminals[unit]

    def state(self) -> tuple[TerminalState, ...]:
        return tuple(terminal.state() for terminal in self)

    def restore(self, state: tuple[TerminalState, ...]) -> None:
        same = [terminal.unit for terminal in state] == sorted(self._terminals)
        check(same, "other terminals than this partition's")
        for terminal, its in zip(self, state, strict=True):
            terminal.restore(its)

    def terminal(self, unit: UnitAddress) -> ClientTerminal:
        """The terminal a guest names.

        Unit address 0 means its first: so early boot consoles, which have no device tree yet,
        ask for it.  LoPAR does not say so; QEMU does the same.
        """
        if unit == 0 and self._terminals:
            return next(iter(self))
        if (found := self._terminals.get(unit)) is None:
            raise HcallError(H.PARAMETER, f"no terminal at unit address {unit:#x}")
        return found


class TerminalEnd(Protocol):
    """A terminal of either kind, as characters are written to it and read."""

    def put(self, characters: bytes) -> None: ...
    def get(self) -> bytes: ...


class TerminalsOfPartition(Protocol):
    @property
    def terminals(self) -> Terminals: ...
    @property
    def server_terminals(self) -> Mapping[UnitAddress, TerminalEnd]: ...


class TerminalOwner(Protocol):
    @property
    def virtual_io(self) -> TerminalsOfPartition: ...


class TerminalCaller(Protocol):
    """A processor whose partition has terminals."""

    @property
    def partition(self) -> TerminalOwner: ...


def _end(caller: TerminalCaller, unit: UnitAddress) -> TerminalEnd:
    io = caller.partition.virtual_io
    return io.server_terminals.get(unit) or io.terminals.terminal(unit)


@hcalls.define(0x54, papr="17.5.2.1.1", function_set="hcall-term")
def h_get_term_char(caller: TerminalCaller, unit: UnitAddress) -> tuple[int, int, int]:
    """Read up to 16 characters: their count, then the characters in two registers."""
    characters = _end(caller, unit).get()
    sixteen = int.from_bytes(characters.ljust(CHUNK, b"\0"), "big")
    return len(characters), sixteen >> 64, sixteen & (1 << 64) - 1


@hcalls.define(0x58, papr="17.5.2.1.2", function_set="hcall-term")
def h_put_term_char(
    caller: TerminalCaller, unit: UnitAddress, length: int, first: int, second: int
) -> None:
    """Write the `length` (at most 16) characters held in two registers."""
    terminal = _end(caller, unit)
    if length > CHUNK:
        raise HcallError(H.PARAMETER, f"{length} characters: at most 16 fit the registers")
    sixteen = (first << 64 | second).to_bytes(CHUNK, "big")
    terminal.put(sixteen[:length])
