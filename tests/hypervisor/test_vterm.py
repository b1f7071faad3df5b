"""Server terminals (LoPAR 17.5.2.4): partners, connections, characters both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from firmware.vio_nodes import adapter_node
from hypervisor.abi import DOUBLEWORD, H
from hypervisor.processor import Standing
from hypervisor.vio.adapter import Slot
from hypervisor.vio.pairs import Place
from hypervisor.vio.vterm import OUTPUT_LIMIT, Vterms
from hypervisor.vio.vty import INPUT_LIMIT
from tests.hypervisor.lpar import CONSOLE, CONSOLE_SLOT, NUMBERS, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypervisor.vio.vterm import ClientSide, ServerTerminal
    from tests.hypervisor.lpar import Lpar

FIRST, SECOND = Slot(10), Slot(11)
BUFFER = 0x8000
SECOND_CONSOLE = Slot(1)


@dataclass
class Both:
    """A server with two server terminals, and a client whose two consoles both may reach."""

    server: Lpar
    client: Lpar
    vterms: Vterms
    sides: tuple[ClientSide, ClientSide]
    first: ServerTerminal
    second: ServerTerminal

    def call(self, name: str, *arguments: int) -> int:
        """While nobody runs."""
        io = self.server.partition.virtual_io
        io.others_stand_still = True
        try:
            return self.server.code(name, *arguments)
        finally:
            io.others_stand_still = False

    def register(self, slot: Slot = FIRST, unit: int = CONSOLE, partition: int = 2) -> int:
        return self.call("H_REGISTER_VTERM", slot.unit, partition, unit)

    def free(self, slot: Slot = FIRST) -> int:
        return self.call("H_FREE_VTERM", slot.unit)

    def put(self, text: bytes, slot: Slot = FIRST) -> int:
        words = text.ljust(16, b"\0")
        first, second = (int.from_bytes(words[at : at + 8], "big") for at in (0, 8))
        return self.server.code("H_PUT_TERM_CHAR", slot.unit, len(text), first, second)

    def get(self, slot: Slot = FIRST) -> bytes | int:
        answer = self.server.call("H_GET_TERM_CHAR", slot.unit)
        if answer.code:
            return answer.code
        count, *words = answer.results[:3]
        return b"".join(word.to_bytes(8, "big") for word in words)[:count]

    def partner(self, partition: int, unit: int) -> tuple[int, int, bytes]:
        """What H_VTERM_PARTNER_INFO tells of the partner behind that one."""
        assert not self.server.code("H_VTERM_PARTNER_INFO", FIRST.unit, partition, unit, BUFFER)
        memory = self.server.memory
        location = memory.read(BUFFER + 16, 80).split(b"\0")[0]
        return memory.u64(BUFFER), memory.u64(BUFFER + 8), location

    @property
    def interrupted(self) -> bool:
        source = self.server.interrupts.source(FIRST.interrupt)
        assert source is not None
        pending, source.pending = source.pending, False
        return pending


@pytest.fixture
def both() -> Iterator[Both]:
    vterms = Vterms()
    sides = tuple(vterms.add(Place(2, Slot(n), f"V2-C{n}")) for n in (0, 1))
    assert len(sides) == 2
    with opened() as server, opened() as client:
        io = server.partition.virtual_io
        first, second = (io.add_server_terminal(slot, sides, "") for slot in (FIRST, SECOND))
        sides[0].plug(client.console)
        sides[1].plug(client.partition.virtual_io.add_terminal(SECOND_CONSOLE))
        yield Both(server, client, vterms, sides, first, second)


# -- partners --------------------------------------------------------------------------------


def test_partners_are_told_one_after_the_other_and_all_ones_behind_the_last(both: Both) -> None:
    assert both.partner(DOUBLEWORD, DOUBLEWORD) == (2, CONSOLE, b"V2-C0")
    assert both.partner(2, CONSOLE) == (2, SECOND_CONSOLE.unit, b"V2-C1")
    assert both.partner(2, SECOND_CONSOLE.unit) == (DOUBLEWORD, DOUBLEWORD, b"")


@pytest.mark.parametrize(
    ("unit", "partition", "partner", "buffer"),
    [
        (FIRST.unit, 3, CONSOLE, BUFFER),
        (FIRST.unit, 2, CONSOLE + 2, BUFFER),
        (FIRST.unit, DOUBLEWORD, DOUBLEWORD, BUFFER + 8),
        (FIRST.unit, DOUBLEWORD, DOUBLEWORD, 1 << 60),
        (CONSOLE, DOUBLEWORD, DOUBLEWORD, BUFFER),
        (FIRST.unit + 2, DOUBLEWORD, DOUBLEWORD, BUFFER),
    ],
)
def test_partners_that_there_are_not_and_wrong_buffers_are_refused(
    both: Both, unit: int, partition: int, partner: int, buffer: int
) -> None:
    before = both.server.everything()
    code = both.server.code("H_VTERM_PARTNER_INFO", unit, partition, partner, buffer)
    assert code == H.PARAMETER
    assert both.server.everything() == before


# -- connections -----------------------------------------------------------------------------


def test_a_console_has_one_connection_at_a_time(both: Both) -> None:
    assert both.register() == H.SUCCESS
    assert both.register(SECOND) == H.PARAMETER
    assert both.register(FIRST, SECOND_CONSOLE.unit) == H.PARAMETER
    assert both.free() == H.SUCCESS
    assert both.free() == H.PARAMETER
    assert both.register(SECOND) == H.SUCCESS


def test_what_no_partner_is_cannot_be_connected(both: Both) -> None:
    assert both.register(partition=3) == H.PARAMETER
    assert both.register(unit=CONSOLE + 9) == H.PARAMETER
    assert both.call("H_REGISTER_VTERM", CONSOLE, 2, CONSOLE) == H.PARAMETER
    assert both.call("H_FREE_VTERM", CONSOLE) == H.PARAMETER


def test_a_connection_is_made_when_nobody_runs(both: Both) -> None:
    io, processor = both.server.partition.virtual_io, both.server.processor()
    for n, value in enumerate((NUMBERS["H_REGISTER_VTERM"], FIRST.unit, 2, CONSOLE), start=3):
        processor.set_gpr(n, value)
    both.server.partition.hcalls.dispatch(processor)
    assert processor.standing is Standing.POSTPONED
    assert both.sides[0].server is None
    io.others_stand_still = True
    processor.answer(1)
    assert both.sides[0].server is both.first


def test_without_a_connection_characters_are_refused(both: Both) -> None:
    assert both.put(b"lost") == H.CLOSED
    assert both.get() == H.CLOSED


# -- characters ------------------------------------------------------------------------------


def test_characters_cross_between_slices_and_interrupt(both: Both) -> None:
    both.register()
    assert both.put(b"date\r") == H.SUCCESS
    assert both.client.console.waiting == 0
    both.client.console.write(b"a login prompt of 25 bytes")
    assert both.get() == b""
    assert not both.interrupted
    assert both.vterms.exchange()
    assert both.interrupted
    assert both.client.console.read(16) == b"date\r"
    assert [both.get(), both.get(), both.get()] == [b"a login prompt o", b"f 25 bytes", b""]
    assert not both.vterms.exchange()


def test_what_comes_while_interrupts_are_disabled_interrupts_when_they_are_enabled(
    both: Both,
) -> None:
    """A driver reads until there is nothing, and enables them then: it would never hear of it."""
    both.register()
    both.server.code("H_VIO_SIGNAL", FIRST.unit, 0)
    both.client.console.write(b"late")
    both.vterms.exchange()
    assert not both.interrupted
    both.server.code("H_VIO_SIGNAL", FIRST.unit, 1)
    assert both.interrupted


def test_what_was_said_before_the_connection_is_not_heard(both: Both) -> None:
    both.client.console.write(b"before")
    both.register()
    both.vterms.exchange()
    assert both.get() == b""


def test_a_client_that_does_not_read_stops_its_server_and_loses_nothing(both: Both) -> None:
    both.register()
    both.client.console.type(bytes(INPUT_LIMIT - 10))
    codes = [both.put(b"0123456789abcdef") for _ in range(OUTPUT_LIMIT // 16 + 1)]
    assert codes == [H.SUCCESS] * (OUTPUT_LIMIT // 16) + [H.BUSY]
    both.vterms.exchange()
    assert both.put(b"0123456789") == H.SUCCESS
    assert both.put(b"0") == H.BUSY
    both.client.console.read(INPUT_LIMIT - 10)
    both.vterms.exchange()
    whole = b"0123456789abcdef" * (OUTPUT_LIMIT // 16) + b"0123456789"
    assert both.client.console.read(INPUT_LIMIT) == whole


def test_a_server_that_does_not_read_holds_a_bounded_amount_and_does_not_stop_its_client(
    both: Both,
) -> None:
    both.register()
    for _ in range(3):
        both.client.console.write(bytes(INPUT_LIMIT))
        both.client.console.write(b"more")
        both.vterms.exchange()
    assert len(both.first.state().waiting) == INPUT_LIMIT


# -- going and coming ------------------------------------------------------------------------


def test_a_client_that_goes_is_told_and_its_connection_waits_for_it(both: Both) -> None:
    both.register()
    both.sides[0].unplug(both.client.console)
    assert both.put(b"typed blindly") == H.SUCCESS
    both.vterms.exchange()
    assert both.interrupted
    assert both.put(b"x") == both.get() == H.CLOSED
    both.sides[0].plug(both.client.console)
    both.vterms.exchange()
    assert both.put(b"again") == H.SUCCESS
    both.vterms.exchange()
    assert both.client.console.read(16) == b"again"


def test_a_server_that_goes_leaves_the_console_to_others(both: Both) -> None:
    both.register()
    both.first.gone = True
    assert both.register(SECOND) == H.SUCCESS
    both.client.console.write(b"for the second")
    both.vterms.exchange()
    assert both.get(SECOND) == b"for the second"


def test_a_saved_server_has_what_waited_and_no_connection(both: Both) -> None:
    both.register()
    both.client.console.write(b"unread")
    both.vterms.exchange()
    state = both.server.partition.virtual_io.state()
    assert state.owned == {CONSOLE_SLOT.number, FIRST.number, SECOND.number}
    with opened() as other:
        io = other.partition.virtual_io
        for slot in (FIRST, SECOND):
            io.add_server_terminal(slot)
        io.restore(state)
        assert io.state() == state
        assert other.call("H_GET_TERM_CHAR", FIRST.unit).results[0] == 6
        assert other.call("H_GET_TERM_CHAR", FIRST.unit).code == H.CLOSED


def test_a_server_terminal_is_a_node_of_the_device_tree(both: Both) -> None:
    node = adapter_node(both.first, both.server.partition)
    assert node.full_name == "vty-server@3000000a"
    assert node.properties["device_type"] == b"serial-server\0"
    assert node.properties["compatible"] == b"hvterm2\0"
    assert "ibm,vserver" in node.properties
