"""All of one partition's virtual I/O: its adapters, and the DMA windows they reach storage by."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from emu.state import check, record

from .adapter import AdapterKind, InterruptLine, Slot, VirtualBus
from .configuration import TerminalProtocol
from .crq import CrqAdapter, CrqState
from .lan import LanAdapter
from .lan_state import LanState
from .tce import TceTables, TceTableState
from .vty import ClientTerminal, Terminals, TerminalState

if TYPE_CHECKING:
    from collections.abc import Collection

    from emu.memory import Memory
    from hypervisor.interrupts import InterruptController
    from hypervisor.network.frame import MacAddress


@record
class VirtualIoState:
    terminals: tuple[TerminalState, ...]
    tce_tables: tuple[TceTableState, ...]
    queues: tuple[CrqState, ...]
    lans: tuple[LanState, ...]


class VirtualIo:
    """The adapters of a partition with `memory`, which interrupt it by `interrupts`."""

    def __init__(self, memory: Memory, interrupts: InterruptController) -> None:
        self._interrupts = interrupts
        self.bus = VirtualBus()
        self.tce_tables = TceTables(memory)
        self.terminals = Terminals()

    def add_terminal(
        self, slot: Slot, protocol: TerminalProtocol = TerminalProtocol.RAW
    ) -> ClientTerminal:
        """A virtual terminal."""
        terminal = ClientTerminal(slot, self._interrupt_line(slot), protocol)
        self.bus.add(terminal)
        self.terminals.add(terminal)
        return terminal

    def add_crq_adapter(self, kind: AdapterKind, slot: Slot) -> CrqAdapter:
        """An adapter with a queue and a DMA window, without a partner yet."""
        dma = self.tce_tables.add(slot.liobn)
        adapter = CrqAdapter(kind, slot, dma, self._interrupt_line(slot))
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

    def _interrupt_line(self, slot: Slot) -> InterruptLine:
        self._interrupts.add_source(slot.interrupt)
        return InterruptLine(partial(self._interrupts.raise_source, slot.interrupt))

    def _queues(self) -> list[CrqAdapter]:
        return [adapter for adapter in self.bus if isinstance(adapter, CrqAdapter)]

    def _lans(self) -> list[LanAdapter]:
        return [adapter for adapter in self.bus if isinstance(adapter, LanAdapter)]

    def state(self) -> VirtualIoState:
        return VirtualIoState(
            terminals=self.terminals.state(),
            tce_tables=self.tce_tables.state(),
            queues=tuple(adapter.state() for adapter in self._queues()),
            lans=tuple(adapter.state() for adapter in self._lans()),
        )

    def restore(self, state: VirtualIoState) -> None:
        self.terminals.restore(state.terminals)
        self.tce_tables.restore(state.tce_tables)
        adapters = self._queues()
        check(len(state.queues) == len(adapters), f"{len(state.queues)} queues of adapters")
        for adapter, its in zip(adapters, state.queues, strict=True):
            adapter.restore(its)
        lans = self._lans()
        check(len(state.lans) == len(lans), f"{len(state.lans)} Ethernet adapters")
        for lan, opened in zip(lans, state.lans, strict=True):
            lan.restore(opened)
