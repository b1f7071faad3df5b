"""Server terminals in machine files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guests.modules import TERMINAL_SERVER_MODULES
from hypervisor.system.definition import DistributionLinux
from hypervisor.system.validation import problems
from hypervisor.vio.configuration import TerminalServer
from pyphyp.machine_file import parse

from .texts import MACHINE, wrong

SERVER = '[[partition]]\nname = "io"\nguest = "linux"\nmemory = "64M"\nunits = 0.5\n'
ADAPTER = '[[partition.vty_server]]\nclient = "web"\n'
CLIENT = '[[partition]]\nname = "web"\nguest = "hello"\nmemory = "64M"\nunits = 0.5\n'
CONSOLES = "[[partition.console]]\n" * 2


def test_a_partition_has_a_server_terminal_for_the_console_of_another_one() -> None:
    server, client = parse(MACHINE + SERVER + ADAPTER + CLIENT).system.partitions
    assert server.terminal_servers == (TerminalServer(10, "web", 0),)
    assert client.terminal_servers == ()
    assert isinstance(server.guest, DistributionLinux)
    assert server.guest.modules == TERMINAL_SERVER_MODULES


def test_slots_are_those_that_are_named() -> None:
    chosen = ADAPTER + "client_slot = 1\nslot = 40\n"
    server, _ = parse(MACHINE + SERVER + chosen + ADAPTER + CLIENT + CONSOLES).system.partitions
    assert [(its.slot, its.client_slot) for its in server.terminal_servers] == [(40, 1), (10, 0)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ADAPTER.replace("web", "io"), "another partition; there are web"),
        (ADAPTER.replace("web", "x"), "another partition; there are web"),
        (ADAPTER + "client_slot = 1\n", "web has no console there"),
        (ADAPTER + "slot = 0\n", "another: there is an adapter in it"),
        ("[[partition.vty_server]]\n", "client"),
    ],
)
def test_server_terminals_for_no_console_are_refused(text: str, told: str) -> None:
    assert any(told in line for line in wrong(MACHINE + SERVER + text + CLIENT))


def test_what_a_script_defines_wrongly_is_refused() -> None:
    system = parse(MACHINE + SERVER + ADAPTER + CLIENT).system
    server, client = system.partitions
    for its in (TerminalServer(10, "io"), TerminalServer(10, "x"), TerminalServer(10, "web", 7)):
        partitions = (replace(server, terminal_servers=(its,)), client)
        found = problems(replace(system, partitions=partitions))
        assert [problem.value for problem in found] == [f"{its.client} slot {its.client_slot}"]
