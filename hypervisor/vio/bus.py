"""All of one partition's virtual I/O: its adapters, and the DMA windows they reach storage by."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from emu.state import Length, check, record

from .adapter import FIRST_UNIT, SLOTS, AdapterKind, InterruptLine, Slot, VirtualBus
from .configuration import TerminalProtocol
from .connectors import Connectors, ConnectorsState
from .crq import CrqAdapter, CrqState
from .lan import LanAdapter
from .lan_state import LanState
from .pairs import PairedCrqAdapter
from .sub_crq import MOST_SUB_INTERRUPTS, ChannelAdapter, ChannelAdapterState, SubInterrupts
from .tce import TceTables, TceTableState
from .vterm import ServerTerminal, ServerTerminalState
from .vty import ClientTerminal, Terminals, TerminalState

if TYPE_CHECKING:
    from collections.abc import Collection

    from emu.dma_windows import DmaWindows
    from emu.memory import Memory
    from hypervisor.abi import UnitAddress
    from hypervisor.interrupts import InterruptController
    from hypervisor.network.frame import MacAddress

    from .pairs import PairEnd
    from .tce import Liobn
    from .vterm import ClientSide


@record
class VirtualIoState:
    terminals: tuple[TerminalState, ...]
    server_terminals: tuple[ServerTerminalState, ...]
    tce_tables: tuple[TceTableState, ...]
    queues: tuple[CrqState, ...]
    channels: tuple[ChannelAdapterState, ...]
    sub_interrupts: Annotated[int, range(MOST_SUB_INTERRUPTS + 1)]
    """Interrupt sources of subordinate queues that there are."""
    lans: tuple[LanState, ...]
    connectors: ConnectorsState
    used: Annotated[tuple[Annotated[int, range(SLOTS)], ...], Length(0, SLOTS)]
    """The slots that have an interrupt source, as they have or had an adapter."""

    @property
    def owned(self) -> set[int]:
        """The slots with an adapter."""
        terminals = {its.unit - FIRST_UNIT for its in self.terminals}
        terminals |= {its.unit - FIRST_UNIT for its in self.server_terminals}
        queues = {its.slot for its in self.queues}
        return terminals | queues | {its.slot for its in self.lans}


class VirtualIo:
    """The adapters of a partition with `memory`, which interrupt it by `interrupts`."""

    def __init__(
        self, memory: Memory, interrupts: InterruptController, windows: DmaWindows
    ) -> None:
        self._interrupts = interrupts
        self.bus = VirtualBus()
        self.tce_tables = TceTables(memory, windows)
        self.terminals = Terminals()
        self.server_terminals: dict[UnitAddress, ServerTerminal] = {}
        self.connectors = Connectors(self.bus)
        self.remote_windows: dict[Liobn, PairEnd] = {}
        """Its clients', by what its server adapters call them."""
        self.others_stand_still = False
        """No other partition runs: their storage may be reached."""
        self._used: set[int] = set()
        self._sub_interrupts = SubInterrupts(interrupts)

    def add_terminal(
        self, slot: Slot, protocol: TerminalProtocol = TerminalProtocol.RAW
    ) -> ClientTerminal:
        """A virtual terminal."""
        terminal = ClientTerminal(slot, self._interrupt_line(slot), protocol)
        self.bus.add(terminal)
        self.terminals.add(terminal)
        return terminal

    def add_server_terminal(
        self, slot: Slot, partners: tuple[ClientSide, ...] = (), location: str = ""
    ) -> ServerTerminal:
        """A server virtual terminal that can be connected to `partners`."""
        terminal = ServerTerminal(slot, self._interrupt_line(slot), partners, location)
        self.bus.add(terminal)
        self.server_terminals[slot.unit] = terminal
        return terminal

    def add_crq_adapter(self, kind: AdapterKind, slot: Slot) -> CrqAdapter:
        """An adapter with a queue and a DMA window, without a partner yet."""
        dma = self.tce_tables.add(slot.liobn)
        adapter = CrqAdapter(kind, slot, dma, self._interrupt_line(slot))
        self.bus.add(adapter)
        return adapter

    def add_paired(self, kind: AdapterKind, slot: Slot, end: PairEnd) -> PairedCrqAdapter:
        """An adapter whose partner is another partition's."""
        dma = self.tce_tables.add(slot.liobn)
        adapter = PairedCrqAdapter(kind, slot, dma, self._interrupt_line(slot), end)
        self.bus.add(adapter)
        if kind is AdapterKind.SCSI_SERVER:
            self.remote_windows[slot.remote_liobn] = end
        return adapter

    def add_channel_adapter(self, kind: AdapterKind, slot: Slot) -> ChannelAdapter:
        """As `add_crq_adapter`, with subordinate queues besides."""
        dma = self.tce_tables.add(slot.liobn)
        line = self._interrupt_line(slot)
        adapter = ChannelAdapter(kind, slot, dma, line, self._sub_interrupts)
        self.bus.add(adapter)
        return adapter

    def add_lan(
        self, slot: Slot, address: MacAddress, allowed: Collection[bytes] | None = None
    ) -> LanAdapter:
        """A virtual Ethernet adapter, not plugged in yet; `allowed` as it has it."""
        dma = self.tce_tables.add(slot.liobn)
        adapter = LanAdapter(slot, dma, self._interrupt_line(slot), address, allowed)
        self.bus.add(adapter)
        return adapter

    def remove(self, slot: Slot) -> None:
        """Take the adapter of a slot off the bus; the guest's translations go with it."""
        adapter = self.bus.remove(slot.unit)
        if isinstance(adapter, ClientTerminal):
            self.terminals.remove(slot.unit)
        elif isinstance(adapter, ServerTerminal):
            del self.server_terminals[slot.unit]
        else:
            if isinstance(adapter, ChannelAdapter):
                adapter.free_queues()
            self.tce_tables.remove(slot.liobn)
            self.remote_windows.pop(slot.remote_liobn, None)
        self._interrupts.reset_source(slot.interrupt)

    def _interrupt_line(self, slot: Slot) -> InterruptLine:
        self._use(slot)
        return InterruptLine(partial(self._interrupts.raise_source, slot.interrupt))

    def _use(self, slot: Slot) -> None:
        """Its interrupt source stays, once there is one: who ends an interrupt names it."""
        if slot.number not in self._used:
            self._used.add(slot.number)
            self._interrupts.add_source(slot.interrupt)

    def _queues(self) -> list[CrqAdapter]:
        return [adapter for adapter in self.bus if isinstance(adapter, CrqAdapter)]

    def _channel_adapters(self) -> list[ChannelAdapter]:
        return [adapter for adapter in self.bus if isinstance(adapter, ChannelAdapter)]

    def _lans(self) -> list[LanAdapter]:
        return [adapter for adapter in self.bus if isinstance(adapter, LanAdapter)]

    def state(self) -> VirtualIoState:
        return VirtualIoState(
            terminals=self.terminals.state(),
            server_terminals=tuple(
                self.server_terminals[unit].state() for unit in sorted(self.server_terminals)
            ),
            tce_tables=self.tce_tables.state(),
            queues=tuple(adapter.state() for adapter in self._queues()),
            channels=tuple(its.channels_state() for its in self._channel_adapters()),
            sub_interrupts=self._sub_interrupts.count,
            lans=tuple(adapter.state() for adapter in self._lans()),
            connectors=self.connectors.state(),
            used=tuple(sorted(self._used)),
        )

    def restore(self, state: VirtualIoState) -> None:
        """Take over a state with the very adapters that are here."""
        for number in state.used:
            self._use(Slot(number))
        self._sub_interrupts.restore(state.sub_interrupts)
        self.connectors.restore(state.connectors)
        self.terminals.restore(state.terminals)
        servers = [self.server_terminals[unit] for unit in sorted(self.server_terminals)]
        check(len(state.server_terminals) == len(servers), "other server terminals")
        for server, connected in zip(servers, state.server_terminals, strict=True):
            server.restore(connected)
        self.tce_tables.restore(state.tce_tables)
        adapters = self._queues()
        check(len(state.queues) == len(adapters), f"{len(state.queues)} queues of adapters")
        for adapter, its in zip(adapters, state.queues, strict=True):
            adapter.restore(its)
        channels = self._channel_adapters()
        check(len(state.channels) == len(channels), f"{len(state.channels)} adapters with channels")
        for channel_adapter, queues in zip(channels, state.channels, strict=True):
            channel_adapter.restore_channels(queues)
        lans = self._lans()
        check(len(state.lans) == len(lans), f"{len(state.lans)} Ethernet adapters")
        for lan, opened in zip(lans, state.lans, strict=True):
            lan.restore(opened)
