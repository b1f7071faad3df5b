"""Debian behind Shared Ethernet Adapters: two servers' with failover, and a Debian's own bridge."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pyphyp.actions import ActivatePartition, PlugCable, RunViosCommand, ShutdownPartition
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.managed_partition import ManagedPartition

pytestmark = pytest.mark.linux

MACHINE = """
[machine]
cores = 2
memory = "4G"

[[lan]]
name = "office"
"""
SERVER = """
[[vios]]
name = "v{0}"
lans = ["office"]

[[vios.ethernet]]
trunk_priority = {0}
"""
OUTSIDE = '[[partition.ethernet]]\nswitch = "office"\n'
INSIDE = "[[partition.ethernet]]\n"
MAKE = "mkvdev -sea ent0 -vadapter ent1 -default ent1 -defaultid 1 -attr ha_mode=auto"
UP = "dmesg -n 1; ip addr add 10.0.0.{}/24 dev eth0; ip link set eth0 up"
PINGS, LINES = 250, 200


def partition(name: str, *tables: str, keys: str = "") -> str:
    return (
        f'\n[[partition]]\nname = "{name}"\nguest = "linux"\nmemory = "512M"\nunits = 0.4\n'
        f'packages = ["iputils-ping"]\n{keys}\n{"".join(tables)}'
    )


def told(its: ManagedPartition, command: str, seconds: float = 60) -> str:
    begin = len(its.console.output)
    its.console.send(f"{command}\necho en''ded $?\n")
    its.console.wait_for(re.compile(r"ended \d+"), seconds=seconds)
    return its.console.output[begin:].replace("\r", "")


def started(machine: ManagedMachine) -> dict[str, ManagedPartition]:
    machine.power_on()
    for its in machine.partitions.values():
        its.console.wait_for("~# ", seconds=120)
    return machine.partitions


def test_pings_and_a_connection_go_on_while_servers_end_return_and_hand_over(
    tmp_path: Path,
) -> None:
    text = MACHINE + SERVER.format(1) + SERVER.format(2)
    text += partition("client", INSIDE) + partition("host", OUTSIDE)
    with ManagedMachine(parse(text, directory=tmp_path).system, epoch=0) as machine:
        for name in ("v1", "v2"):
            machine.perform(RunViosCommand(name, MAKE))
        its = started(machine)
        client, host = its["client"], its["host"]
        told(host, UP.format(2))
        host.console.send("nc -l -p 5000 >/tmp/got; echo ser''ved\n")
        told(client, UP.format(1))
        told(client, "until ping -q -c 1 -W 1 10.0.0.2 >/dev/null; do :; done")
        told(
            client,
            f"ping -q -i 0.1 -c {PINGS} 10.0.0.2 >/tmp/pings & "
            f"(for n in $(seq {LINES}); do echo $n; sleep 0.1; done) | nc 10.0.0.2 5000 &",
        )
        for action in (
            ShutdownPartition("v1", immediate=True),
            ActivatePartition("v1"),
            RunViosCommand("v1", "chdev -dev ent2 -attr ha_mode=standby"),
            RunViosCommand("v1", "chdev -dev ent2 -attr ha_mode=auto"),
            PlugCable("v1", "ent0", plugged=False),
            PlugCable("v1", "ent0", plugged=True),
        ):
            machine.run(seconds=2)
            machine.perform(action)
        shown = told(client, "wait; cat /tmp/pings; ip neigh")
        received = re.search(rf"{PINGS} packets transmitted, (\d+) received", shown)
        assert received, shown
        assert "duplicates" not in shown
        lost = PINGS - int(received[1])
        assert 1 <= lost <= 8, shown  # 0.4 s without anybody, once; all else loses nothing
        host.console.wait_for("served", seconds=60)
        got = re.findall(r"^\d+$", told(host, "cat /tmp/got"), re.MULTILINE)
        assert got == [str(n) for n in range(1, LINES + 1)]
        states = [machine.io_servers.run(name, "entstat -all ent2").out for name in ("v1", "v2")]
        assert [re.findall(r"State: (\w+)", state) for state in states] == [
            ["PRIMARY"],
            ["BACKUP"],
        ]


BRIDGE = (
    "dmesg -n 1; ip link add br0 type bridge; "
    "for d in eth0 eth1; do ip link set $d master br0; ip link set $d up; done; ip link set br0 up"
)


def test_a_debian_bridges_its_trunk_to_the_outside_for_two_clients(tmp_path: Path) -> None:
    trunk = INSIDE + "trunk_priority = 1\n"
    both = (trunk, OUTSIDE + "trunk_priority = 1\n")
    text = MACHINE + partition("bridge", *both, keys='modules = ["bridge"]')
    text += partition("one", INSIDE) + partition("two", INSIDE) + partition("host", OUTSIDE)
    with ManagedMachine(parse(text, directory=tmp_path).system, epoch=0) as machine:
        its = started(machine)
        for name, number in (("one", 1), ("two", 2), ("host", 3)):
            told(its[name], UP.format(number))
        ping = "ping -q -c 3 -i 0.2 -W 1 10.0.0.{}"
        assert " 0 received" in told(its["one"], ping.format(3))
        assert "3 received" in told(its["one"], ping.format(2))
        told(its["bridge"], BRIDGE)
        told(its["one"], "until ping -q -c 1 -W 1 10.0.0.3 >/dev/null; do :; done")
        for name, to in (("one", 3), ("two", 3), ("host", 1), ("host", 2), ("one", 2)):
            shown = told(its[name], ping.format(to))
            assert "3 packets transmitted, 3 received" in shown
            assert "duplicates" not in shown
        its["host"].console.send("nc -l -p 5000 | sha256sum; echo ser''ved\n")
        sent = told(its["two"], "sha256sum </bin/busybox; nc 10.0.0.3 5000 </bin/busybox")
        (digest,) = re.findall(r"[0-9a-f]{64}", sent)
        its["host"].console.wait_for("served", seconds=60)
        assert digest in its["host"].console.output
