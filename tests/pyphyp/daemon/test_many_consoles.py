"""Several consoles of a partition in a machine that runs in the background."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from pyphyp.daemon.locations import location
from tests.pyphyp.terminal import PATIENCE, Terminal

from .processes import daemon_process, run, until_gone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("runtime")

MACHINE = """
[machine]
name = "two-consoles"
cores = 1
memory = "64M"
lmb = "16M"
epoch = 0

[[partition]]
name = "shell"
guest = "hcalls"
memory = "32M"
units = 1

[[partition.console]]

[[partition.console]]
socket = "second.sock"
"""
HELLO = int.from_bytes(b"hello\r\n\0", "big")


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Path]:
    """The socket of the second console, while the machine runs."""
    file = tmp_path / "machine.toml"
    file.write_text(MACHINE)
    done = run("up", str(file), "--detach")
    assert done.returncode == 0, done.stderr
    process = daemon_process(location("two-consoles"))
    yield tmp_path / "second.sock"
    run("down", "--now")
    until_gone(process)
    assert not (tmp_path / "second.sock").exists()


def test_each_console_is_reached_by_slot_unit_address_and_socket(second: Path) -> None:
    with (
        Terminal("console", "shell") as first,
        Terminal("console", "shell", "1") as by_slot,
        Terminal("console", "shell", "0x30000001") as by_unit,
        socket.socket(socket.AF_UNIX) as at_socket,
    ):
        at_socket.settimeout(PATIENCE)
        at_socket.connect(str(second))
        at_socket.sendall(b"abcdefgh")  # wakes the machine, which takes the connection before
        first.wait_for(b"hcall> ")
        first.type(b"H_GET_TERM_CHAR 0x30000001\r")
        first.wait_for(b"6162636465666768")
        first.type(f"H_PUT_TERM_CHAR 0x30000001 7 {HELLO:#x} 0\r".encode())
        first.wait_for(b"H_SUCCESS")
        by_slot.wait_for(b"hello")
        by_unit.wait_for(b"hello")
        assert at_socket.recv(99) == b"hello\r\n"
        by_slot.type(b"IJKLMNOP")
        by_slot.type(b"\x1dd")
        assert by_slot.status() == 0
        assert b"pyphyp console shell 1 comes back" in by_slot.output
        first.type(b"H_GET_TERM_CHAR 0x30000001\r")
        first.wait_for(b"494a4b4c4d4e4f50")


def test_a_console_that_is_not_there_is_refused_with_those_that_are(second: Path) -> None:
    refused = run("console", "shell", "7")
    assert refused.returncode == 1
    assert "no console in slot 7: there are 0, 1" in refused.stderr
    assert run("console", "shell", "0x20000000").returncode == 2
