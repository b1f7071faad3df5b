"""The interrupt controller against a model of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from hypervisor.abi import H
from hypervisor.hcall import HcallTable
from hypervisor.xics import IPI_SOURCE, XicsController, hcalls

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

SERVERS, SOURCES = 2, (0x1001, 0x1002, 0x1003)
LEAST = 0xFF
numbers = {call.name: call.number for call in hcalls}


@dataclass
class Caller:
    """A processor that is nothing but its registers."""

    number: int
    controller: XicsController
    values: list[int] = field(default_factory=lambda: [0] * 32)
    privileged: ClassVar[bool] = True
    time_base: ClassVar[int] = 0

    @property
    def partition(self) -> Self:
        return self

    @property
    def interrupts(self) -> Self:
        return self

    def as_xics(self) -> XicsController:
        return self.controller

    @property
    def registers(self) -> Self:
        return self

    def gpr(self, n: int) -> int:
        return self.values[n]

    def gprs(self, first: int, count: int) -> list[int]:
        return self.values[first : first + count]

    def set_gprs(self, first: int, values: Iterable[int]) -> None:
        for n, value in enumerate(values, first):
            self.values[n] = value


@dataclass
class ModelSource:
    """One source: where it goes, and whether it waits or is being served."""

    server: int = 0
    priority: int = LEAST
    saved: int = LEAST
    raised: bool = False
    in_service: bool = False


priorities = st.sampled_from([0, 1, 5, 5, 6, 0xFE, LEAST])
servers = st.integers(0, SERVERS - 1)
sources = st.sampled_from(SOURCES)


class Xics(RuleBasedStateMachine):
    """Every hcall and RTAS operation in any order; the model says what each must answer."""

    taken = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.controller = XicsController(SERVERS)
        self.table = HcallTable(hcalls)
        self.callers = [Caller(n, self.controller) for n in range(SERVERS)]
        for number in SOURCES:
            self.controller.add_source(number)
        self.model = {number: ModelSource() for number in SOURCES}
        self.cppr, self.mfrr = [0] * SERVERS, [LEAST] * SERVERS

    def call(self, server: int, name: str, *arguments: int) -> tuple[H, int]:
        caller = self.callers[server]
        caller.values[3:12] = [numbers[name], *arguments, *[0] * (8 - len(arguments))]
        code = self.table.dispatch(caller)
        return code, caller.values[4]

    def presented(self, server: int) -> tuple[int, int]:
        """(priority, source) that beats all others; (LEAST, 0): there is nothing."""
        contest = [(self.mfrr[server], IPI_SOURCE)] + [
            (source.priority, number)
            for number, source in self.model.items()
            if source.raised and not source.in_service and source.server == server
        ]
        best = min(contest)
        return best if best[0] < self.cppr[server] else (LEAST, 0)

    @rule(number=sources)
    def raise_source(self, number: int) -> None:
        self.controller.raise_source(number)
        self.model[number].raised = True

    @rule(number=sources, server=servers, priority=priorities)
    def set_xive(self, number: int, server: int, priority: int) -> None:
        assert self.controller.set_source(number, server, priority)
        source = self.model[number]
        source.server, source.priority, source.saved = server, priority, priority

    @rule(number=sources)
    def int_off(self, number: int) -> None:
        assert self.controller.mask(number)
        source = self.model[number]
        source.saved, source.priority = source.priority, LEAST

    @rule(number=sources)
    def int_on(self, number: int) -> None:
        assert self.controller.unmask(number)
        self.model[number].priority = self.model[number].saved

    @rule(server=servers, priority=priorities)
    def h_cppr(self, server: int, priority: int) -> None:
        assert self.call(server, "H_CPPR", priority)[0] == H.SUCCESS
        self.cppr[server] = priority

    @rule(server=servers, to=servers, mfrr=priorities)
    def h_ipi(self, server: int, to: int, mfrr: int) -> None:
        assert self.call(server, "H_IPI", to, mfrr)[0] == H.SUCCESS
        self.mfrr[to] = mfrr

    @rule(target=taken, server=servers)
    def h_xirr(self, server: int) -> int:
        priority, number = self.presented(server)
        code, xirr = self.call(server, "H_XIRR")
        assert (code, xirr) == (H.SUCCESS, self.cppr[server] << 24 | number)
        if number:
            self.cppr[server] = priority
        if number in self.model:
            self.model[number].raised, self.model[number].in_service = False, True
        return xirr

    @rule(server=servers, xirr=taken)
    def h_eoi(self, server: int, xirr: int) -> None:
        code, _ = self.call(server, "H_EOI", xirr)
        number = xirr & 0xFFFFFF
        if number == 0:
            assert code == H.PARAMETER
            return
        assert code == H.SUCCESS
        self.cppr[server] = xirr >> 24
        if number in self.model:
            self.model[number].in_service = False

    @invariant()
    def polls_agree(self) -> None:
        for server in range(SERVERS):
            _, number = self.presented(server)
            code, xirr = self.call(0, "H_IPOLL", server)
            assert (code, xirr) == (H.SUCCESS, self.cppr[server] << 24 | number)
            assert self.callers[0].values[5] == self.mfrr[server]
            assert self.controller.pending(server) == bool(number)


TestXics = Xics.TestCase
TestXics.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
