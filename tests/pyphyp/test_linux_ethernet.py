"""Debian's unmodified ibmveth driver: partitions of one machine talk to each other."""

from __future__ import annotations

import re

import pytest

from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine
from pyphyp.usage import PartitionState

pytestmark = pytest.mark.linux

MACHINE = '[machine]\ncores = 2\nmemory = "8G"\nepoch = 0\n'
UP = "ip addr add 10.0.0.{}/24 dev eth0; ip link set eth0 up; "
COMPLAINTS = "; dmesg -r | grep '^<[0-4]>'"


def partition(name: str, command: str, *adapters: str) -> str:
    ethernet = "".join(f"[[partition.ethernet]]\n{its}\n" for its in adapters or ("",))
    return (
        f'[[partition]]\nname = "{name}"\nguest = "linux"\nmemory = "1G"\nunits = 0.6\n'
        f"command = '''{command}'''\n{ethernet}"
    )


def run(*partitions: str, seconds: float = 60, threads: int | None = None) -> list[str]:
    """What the partitions' consoles showed; all must have powered off."""
    file = parse(MACHINE + "".join(partitions))
    with ManagedMachine(
        file.system, epoch=file.epoch, seed=file.seed, host_threads=threads
    ) as machine:
        machine.power_on()
        machine.run(seconds=seconds)
        its = machine.partitions.values()
        assert all(p.state is PartitionState.POWERED_OFF for p in its), [
            p.console.transcript.last_lines() for p in its
        ]
        return [p.console.output.replace("\r", "") for p in its]


def test_partitions_ping_each_other_and_lose_nothing() -> None:
    ping = "sleep 1; ping -A -q -c 300 10.0.0.2; "
    large = "ip link set eth0 mtu 9000; ping -q -c 3 -s 8900 10.0.0.2"
    first = partition("one", UP.format(1) + ping + large + COMPLAINTS)
    second = partition("two", UP.format(2) + "ip link set eth0 mtu 9000; sleep 6" + COMPLAINTS)
    shown, _ = run(first, second)
    assert "300 packets transmitted, 300 packets received, 0% packet loss" in shown
    assert "3 packets transmitted, 3 packets received, 0% packet loss" in shown


def test_a_stream_arrives_whole_and_equal_runs_are_equal_on_any_number_of_threads() -> None:
    send = "sleep 2; dd if=/bin/busybox bs=64k count=400 2>/dev/null | nc 10.0.0.2 5000; sleep 2"
    first = partition("one", UP.format(1) + "sha256sum </bin/busybox; " + send)
    second = partition("two", UP.format(2) + "nc -l -p 5000 | sha256sum; cat /proc/net/dev")
    runs = [run(first, second, threads=threads) for threads in (1, 2)]
    assert runs[0] == runs[1]
    sums = [re.findall(r"\b[0-9a-f]{64}\b", shown) for shown in runs[0]]
    assert sums[0] == sums[1]
    assert len(sums[0]) == 1


def test_vlans_are_apart_and_a_tagged_port_hears_both() -> None:
    quiet = "ping -q -c 2 -W 1 10.0.0.{} | grep loss; "
    one = partition("one", UP.format(1) + "sleep 2; " + quiet.format(2), "vlan = 10")
    two = partition("two", UP.format(2) + "sleep 2; " + quiet.format(1), "vlan = 20")
    router = (
        "ip link set eth0 up; for v in 10 20; do "
        "ip link add link eth0 name eth0.$v type vlan id $v;"
        " ip link set eth0.$v up; done; ip addr add 10.0.0.9/24 dev eth0.10; sleep 4;"
        + quiet.format(1)
        + "ip addr flush dev eth0.10; ip addr add 10.0.0.9/24 dev eth0.20; "
        + quiet.format(2)
    )
    third = partition("three", router, "more_vlans = [10, 20]")
    third = third.replace("units = 0.6", 'units = 0.6\nmodules = ["8021q"]')
    one, two = (its.replace("| grep loss; ", "| grep loss; sleep 6; ") for its in (one, two))
    shown = run(one, two, third)
    assert "100% packet loss" in shown[0]
    assert "100% packet loss" in shown[1]
    assert shown[2].count(" 0% packet loss") == 2
