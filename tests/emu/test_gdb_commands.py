"""What packets ask for, over a bare processor."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emu.bits import ByteOrder
from emu.exits import DebugStop, Hypercall, StopKind
from emu.gdb import GdbConnection, Resumption
from emu.gdb.commands import Commands
from emu.gdb.description import REGISTER_BYTES, REGISTERS, target_description
from emu.gdb.packets import LARGEST, Packet, Unpacker, pack
from emu.gdb.target import Leaving
from emu.memory import MIB

from .machine import BUDGET, REAL, Bare, bare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emu.engine import Engine
    from emu.memory import Memory


class BareTarget:
    """A target with as many processors as the engine was given, and one monitor command."""

    def __init__(self, bare: Bare, order: ByteOrder = ByteOrder.BIG) -> None:
        self._bare, self.byte_order = bare, order
        self.processors = 1

    @property
    def engine(self) -> Engine:
        return self._bare.engine

    @property
    def memory(self) -> Memory:
        return self._bare.memory

    def describe(self, processor: int) -> str:
        return f"processor {processor}"

    def monitor(self, command: str) -> str:
        return "" if command == "quiet" else f"you said {command}"


@pytest.fixture
def processor() -> Iterator[Bare]:
    with bare() as processor:
        processor.registers.msr = REAL
        yield processor


@pytest.fixture
def target(processor: Bare) -> BareTarget:
    return BareTarget(processor)


@pytest.fixture
def commands(target: BareTarget) -> Commands:
    return Commands(target)


@pytest.mark.parametrize("order", list(ByteOrder))
def test_registers_travel_in_the_targets_byte_order(processor: Bare, order: ByteOrder) -> None:
    commands = Commands(BareTarget(processor, order))
    processor.registers.set_gpr(3, 0x0102030405060708)
    sent = commands.answer(b"p3")
    assert sent == (b"0102030405060708" if order is ByteOrder.BIG else b"0807060504030201")
    assert commands.answer(b"P4=" + sent) == b"OK"
    assert processor.registers.gpr(4) == 0x0102030405060708


def test_all_registers_written_back_are_as_they_were(commands: Commands, processor: Bare) -> None:
    for n in range(32):
        processor.registers.set_gpr(n, n * 0x0101010101010101)
        processor.registers.set_vsr(n, n << 64 | 7)
        processor.registers.set_vsr(32 + n, n << 100)
    processor.registers.set_spr("lr", 0x1234)
    processor.registers.cr = 0x12345678
    processor.registers.vscr = 1
    everything = commands.answer(b"g")
    assert isinstance(everything, bytes)
    assert len(everything) == 2 * REGISTER_BYTES
    for n in range(32):
        processor.registers.set_vsr(n, 0)
    processor.registers.set_spr("lr", 0)
    processor.registers.vscr = 0
    assert commands.answer(b"G" + everything) == b"OK"
    assert commands.answer(b"g") == everything
    assert (processor.registers.spr("lr"), processor.registers.vscr) == (0x1234, 1)


def test_the_description_lists_the_registers_that_travel() -> None:
    root = ElementTree.fromstring(target_description().replace("<!DOCTYPE", "<!--").replace(
        'gdb-target.dtd">', 'gdb-target.dtd"-->'))  # fmt: skip
    found = [(reg.get("name"), reg.get("bitsize")) for reg in root.iter("reg")]
    assert found == [(register.name, str(register.bits)) for register in REGISTERS]
    assert [feature.get("name") for feature in root.iter("feature")] == [
        "org.gnu.gdb.power.core",
        "org.gnu.gdb.power.fpu",
        "org.gnu.gdb.power.altivec",
        "org.gnu.gdb.power.vsx",
        "org.gnu.gdb.power.ppr",
        "org.gnu.gdb.power.dscr",
        "org.gnu.gdb.power.tar",
        "org.pyphyp.power.spr",
    ]


def test_the_description_is_read_in_pieces(commands: Commands) -> None:
    document, more = b"", True
    while more:
        reply = commands.answer(b"qXfer:features:read:target.xml:%x,300" % len(document))
        assert isinstance(reply, bytes)
        document, more = document + reply[1:], reply[:1] == b"m"
    assert document.decode() == target_description()
    assert commands.answer(b"qXfer:features:read:other.xml:0,300") == b"E02"


def test_storage_is_read_and_written(commands: Commands, processor: Bare) -> None:
    assert commands.answer(b"M4ffe,4:01020304") == b"OK"
    assert commands.answer(b"X5002,3:\x00#}") == b"OK"
    assert commands.answer(b"m4ffe,7") == b"0102030400237d"
    assert processor.memory.read(0x4FFE, 4) == bytes((1, 2, 3, 4))


def test_storage_ends_where_it_ends(commands: Commands, processor: Bare) -> None:
    assert commands.answer(b"m%x,8" % (MIB - 4)) == b"00000000"
    assert commands.answer(b"m%x,8" % MIB) == b"E0e"
    assert commands.answer(b"M%x,8:0102030405060708" % (MIB - 4)) == b"E0e"
    assert processor.memory.read(MIB - 4, 4) == bytes(4)
    assert commands.answer(b"mffffffffffffffff,2") == b"E0e"


def test_code_that_is_written_runs(commands: Commands, processor: Bare) -> None:
    assert isinstance(processor.enter(processor.load("_start: sc 1\n", 0x4000)), Hypercall)
    assert commands.answer(b"M4000,8:3860000744000022") == b"OK"
    processor.registers.nip = 0x4000
    assert isinstance(processor.engine.run(BUDGET), Hypercall)
    assert processor.registers.gpr(3) == 7


def test_breakpoints_of_two_kinds_at_one_place_are_told_apart(
    commands: Commands, processor: Bare
) -> None:
    processor.registers.nip = processor.load("_start: nop\n b _start\n", 0x4000)
    assert commands.answer(b"Z0,4004,4") == commands.answer(b"Z1,4004,4") == b"OK"
    assert commands.answer(b"z0,4004,4") == b"OK"
    stop = processor.engine.run(BUDGET)
    assert stop == DebugStop(StopKind.BREAKPOINT, 0x4004)
    assert commands.stopped(0, stop) == b"T05thread:1;hwbreak:;"
    assert commands.answer(b"?") == b"T05thread:1;hwbreak:;"
    assert commands.answer(b"z1,4004,4") == b"OK"
    assert not isinstance(processor.engine.run(1000), DebugStop)


def test_watchpoints_say_what_was_accessed(commands: Commands) -> None:
    stop = DebugStop(StopKind.WATCH_STORE, 0x9004)
    assert commands.stopped(0, stop) == b"T05thread:1;watch:9004;"


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (b"vCont;s:1;c", Resumption(0)),
        (b"vCont;c", Resumption()),
        (b"vCont;C05:-1", Resumption()),
        (b"vCont;s", Resumption(0)),
        (b"s", Resumption(0)),
        (b"S05", Resumption(0)),
        (b"c", Resumption()),
        (b"D", Leaving.DETACHED),
        (b"D;1", Leaving.DETACHED),
        (b"k", Leaving.KILLED),
        (b"vKill;1", Leaving.KILLED),
        (b"vCont?", b"vCont;c;C;s;S"),
        (b"vMustReplyEmpty", b""),
        (b"qTStatus", b""),
        (b"qfThreadInfo", b"m1"),
        (b"qsThreadInfo", b"l"),
        (b"qC", b"QC1"),
        (b"Hg1", b"OK"),
        (b"Hc-1", b"OK"),
        (b"T1", b"OK"),
        (b"qAttached", b"1"),
        (b"qThreadExtraInfo,1", b"processor 0".hex().encode()),
        (b"qRcmd," + b"hi".hex().encode(), b"you said hi".hex().encode()),
        (b"qRcmd," + b"quiet".hex().encode(), b"OK"),
    ],
)
def test_requests_are_answered(commands: Commands, packet: bytes, expected: object) -> None:
    assert commands.answer(packet) == expected


@pytest.mark.parametrize(
    "packet",
    [
        b"p", b"pfff", b"p-1", b"P3", b"P3=00", b"P3=zz", b"Pfff=00", b"g\xff", b"G00",
        b"m", b"m1", b"m1,", b"mzz,1", b"m0x10,1", b"m1_0,1", b"m-1,1", b"m10000000000000000,1",
        b"M0,2:00", b"M0,1:0", b"X0,5:abc", b"X", b"X\xff", b"Hg9", b"H", b"T2", b"T", b"vCont",
        b"vCont;", b"vCont;x", b"vCont;s:7", b"Z0,2,4", b"Z0,4", b"Z5,4,4", b"Z", b"Z2,0,0",
        b"Z2,ffffffffffffffff,8", b"z0", b"czz", b"qXfer:features:read:target.xml:0",
        b"qRcmd,zz", b"qThreadExtraInfo,",
    ],
)  # fmt: skip
def test_requests_without_sense_are_refused(commands: Commands, packet: bytes) -> None:
    reply = commands.answer(packet)
    assert isinstance(reply, bytes)
    assert reply[:1] == b"E"
    assert len(reply) == 3


def test_watchpoints_are_bounded(commands: Commands) -> None:
    replies = [commands.answer(b"Z2,%x,8" % (8 * n)) for n in range(65)]
    assert replies == [b"OK"] * 64 + [b"E1c"]


LETTERS = st.sampled_from(
    [
        b"",
        *(bytes((c,)) for c in b"gGpPmMXzHTcsvqQ"),
        b"Z0,",
        b"Z2,",
        b"vCont;",
        b"qXfer:",
        b"qRcmd,",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(LETTERS, st.one_of(st.binary(max_size=60), st.text("0123456789abcdef,:;=-", max_size=40)))
def test_any_request_gets_an_answer_of_bounded_size(
    commands: Commands, start: bytes, rest: bytes | str
) -> None:
    reply = commands.answer(start + (rest if isinstance(rest, bytes) else rest.encode()))
    assert isinstance(reply, bytes | Resumption | Leaving)
    assert not isinstance(reply, bytes) or len(reply) <= LARGEST


class Client:
    """A debugger's side of the wire."""

    def __init__(self, server: GdbConnection) -> None:
        self._server = server
        self.socket = socket.create_connection(server.address, timeout=5)
        self._unpacker = Unpacker()
        server.serve(5)

    def send(self, raw: bytes) -> None:
        self.socket.sendall(raw)
        self._server.serve(5)

    def receive(self) -> bytes:
        return self.socket.recv(1 << 16)


@pytest.fixture
def server(target: BareTarget) -> Iterator[GdbConnection]:
    with GdbConnection(target) as server:
        yield server


def test_the_server_listens_on_the_loopback_interface(server: GdbConnection) -> None:
    assert server.address[0] == "127.0.0.1"


def test_packets_are_acknowledged_until_that_is_switched_off(server: GdbConnection) -> None:
    client = Client(server)
    assert server.halted
    client.send(pack(b"?"))
    assert client.receive() == b"+" + pack(b"T05thread:1;")
    client.send(b"$?#00")
    assert client.receive() == b"-"
    client.send(b"-")
    assert client.receive() == pack(b"T05thread:1;")
    client.send(pack(b"QStartNoAckMode"))
    assert client.receive() == b"+" + pack(b"OK")
    client.send(b"+" + pack(b"qC"))
    assert client.receive() == pack(b"QC1")
    client.send(b"$?#00")
    assert client.receive() == pack(b"E01")


def test_a_guest_that_runs_can_be_interrupted_and_nothing_else(server: GdbConnection) -> None:
    client = Client(server)
    client.send(b"\x03")
    assert not server.interrupted
    client.send(pack(b"c"))
    assert not server.halted
    assert server.resumption == Resumption()
    assert client.receive() == b"+"
    client.send(pack(b"g"))
    assert client.receive() == b"+" + pack(b"E01")
    client.send(b"\x03")
    assert server.interrupted
    server.stopped(0, None, 2)
    assert server.halted
    assert client.receive() == pack(b"T02thread:1;")


def test_there_is_one_client_at_a_time(server: GdbConnection) -> None:
    first = Client(server)
    second = Client(server)
    assert second.receive() == b""
    first.send(pack(b"D"))
    assert first.receive() == b"+" + pack(b"OK")
    assert not server.halted
    third = Client(server)
    assert server.halted
    third.send(pack(b"qC"))
    assert third.receive() == b"+" + pack(b"QC1")


def test_a_client_that_vanishes_leaves_a_guest_that_runs(
    server: GdbConnection, processor: Bare
) -> None:
    processor.registers.nip = processor.load("_start: nop\n sc 1\n", 0x4000)
    client = Client(server)
    client.send(pack(b"Z0,4004,4"))
    client.socket.close()
    server.serve(5)
    assert not server.halted
    assert isinstance(processor.engine.run(BUDGET), Hypercall)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=100), min_size=1, max_size=5))
def test_any_bytes_from_the_wire_leave_a_server_that_answers(
    server: GdbConnection, pieces: list[bytes]
) -> None:
    client = Client(server)
    for piece in pieces:
        if server.client is not None:
            client.send(piece)
    client.socket.close()
    while server.client is not None:
        server.serve(1)
    again = Client(server)
    again.send(pack(b"qC"))
    assert Unpacker().feed(again.receive()) == [Packet(b"QC1")]
    again.socket.close()
    server.serve(1)
