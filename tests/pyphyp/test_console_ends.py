"""Several consoles of a partition, and where they go on the host."""

from __future__ import annotations

import socket
import stat
import time
from typing import TYPE_CHECKING

import pytest

from hypervisor.vio.configuration import Backend, ConsoleAdapter, TerminalProtocol
from pyphyp.api import Machine, StateError
from pyphyp.console_ends import MOST_TERMINALS, UNREAD_LIMIT, ConsoleError, SocketEnd
from tests.pyphyp.guests import TIMER, program

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.partition import Partition

PATIENCE = 20
# Writes what it reads from either console to the other one, until a Ctrl-D.
CROSSOVER = """
        .equ    FIRST, 0x30000000
again:  load64  r5,512000
        mtdec   r5
        hcall   H_CEDE
        load64  r28,FIRST
        load64  r29,FIRST + 1
        bl      pass
        load64  r28,FIRST + 1
        load64  r29,FIRST
        bl      pass
        b       again
pass:   mr      r4,r28
        hcall   H_GET_TERM_CHAR
        cmpdi   r4,0
        beqlr
        srdi    r8,r5,56
        cmpdi   r8,4
        beq     finish
        mr      r7,r6
        mr      r6,r5
        mr      r5,r4
        mr      r4,r29
        hcall   H_PUT_TERM_CHAR
        blr
finish: .long   0
"""


def console(slot: int, backend: Backend = Backend.NONE, path: object = "") -> ConsoleAdapter:
    return ConsoleAdapter(slot, TerminalProtocol.RAW, backend, str(path))


def crossover(machine: Machine, *consoles: ConsoleAdapter) -> Partition:
    partition = machine.add_partition(memory="64M", consoles=consoles)
    partition.load(program(CROSSOVER, TIMER))
    return partition


def connected(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(PATIENCE)
    client.connect(str(path))
    return client


def until(condition: object) -> None:
    end = time.monotonic() + PATIENCE
    assert callable(condition)
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_each_console_has_its_own_input_and_output() -> None:
    with Machine(epoch=0) as machine:
        partition = crossover(machine, console(0), console(1))
        partition.consoles[0].send("to the second")
        partition.consoles[1].wait_for("to the second", seconds=1)
        partition.consoles[1].send("to the first")
        partition.console.wait_for("to the first", seconds=1)
        assert partition.consoles[0].output == "to the first"
        assert partition.consoles[1].output == "to the second"


def test_a_file_is_appended_to_and_private(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    for _ in range(2):
        with Machine(epoch=0) as machine:
            partition = crossover(machine, console(0), console(1, Backend.FILE, log))
            partition.console.send("a line\n")
            partition.run(seconds=0.1)
    assert log.read_text() == "a line\na line\n"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_terminals_at_a_socket_see_the_guest_and_type_to_it(tmp_path: Path) -> None:
    path = tmp_path / "console"
    with Machine(epoch=0) as machine:
        partition = crossover(machine, console(0), console(1, Backend.SOCKET, path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with connected(path) as one, connected(path) as other:
            woken: list[bool] = []
            partition.wake_listeners.append(lambda: woken.append(True))
            one.sendall(b"typed")
            until(lambda: woken)
            partition.console.wait_for("typed", seconds=1)
            partition.console.send("shown")
            partition.run(seconds=0.1)
            assert one.recv(99) == other.recv(99) == b"shown"
        assert partition.console.output == "typed"
    assert not path.exists()


def test_a_dead_socket_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "console"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with Machine(epoch=0) as machine:
        crossover(machine, console(0, Backend.SOCKET, path))
        with pytest.raises(ConsoleError, match="is another console's"):
            crossover(machine, console(0), console(1, Backend.SOCKET, path))
        assert path.exists()
    for place, why in (
        (tmp_path, "something else"),
        (tmp_path / "no" / "path", "No such file"),
        (tmp_path / ("long" * 50), "too long"),
    ):
        with Machine(epoch=0) as machine, pytest.raises(ConsoleError, match=why):
            crossover(machine, console(0, Backend.SOCKET, place))


def test_a_terminal_that_does_not_read_is_cut_off_and_holds_up_nobody(tmp_path: Path) -> None:
    path = tmp_path / "console"
    end = SocketEnd(path, lambda: None)
    with connected(path) as lazy, connected(path) as other:
        other.sendall(b"x")
        until(end.take)
        for _ in range(2 * UNREAD_LIMIT >> 14):
            end.write(bytes(1 << 14))
            left = 1 << 14
            while left:
                left -= len(other.recv(left))
        received = 0
        while data := lazy.recv(1 << 16):
            received += len(data)
        assert received < 2 * UNREAD_LIMIT
    end.close()


def test_terminals_come_and_go_without_end_and_are_bounded_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "console"
    end = SocketEnd(path, lambda: None)
    for _ in range(4 * MOST_TERMINALS):
        connected(path).close()
    clients = [connected(path) for _ in range(MOST_TERMINALS + 1)]
    clients[-1].sendall(b"waits for a place")
    time.sleep(0.1)
    assert end.take() == b""
    clients[0].close()
    until(end.take)
    for client in clients:
        client.close()
    end.close()


def test_who_has_sent_all_still_reads(tmp_path: Path) -> None:
    path = tmp_path / "console"
    end = SocketEnd(path, lambda: None)
    with connected(path) as client:
        client.sendall(b"poweroff\n")
        client.shutdown(socket.SHUT_WR)
        until(end.take)
        end.write(b"good bye")
        assert client.recv(99) == b"good bye"
    end.close()


def test_consoles_are_saved_each_with_what_waits_for_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    consoles = console(0), console(1, Backend.FILE, log)
    with Machine(epoch=0) as machine:
        partition = crossover(machine, *consoles)
        partition.run(seconds=0.05)
        partition.consoles[0].send("kept\n")
        partition.save(tmp_path / "state")
    with Machine(epoch=0) as machine:
        restored = machine.restore(tmp_path / "state")
        restored.run(seconds=0.1)
        assert restored.consoles[1].output == "kept\n"
        assert restored.consoles[0].output == ""
    assert log.read_text() == "kept\n"


def test_a_saved_partition_whose_socket_is_taken_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "console"
    with Machine(epoch=0) as machine:
        crossover(machine, console(0, Backend.SOCKET, path)).save(tmp_path / "state")
        with Machine(epoch=0) as other, pytest.raises(StateError, match="another console's"):
            other.restore(tmp_path / "state")
