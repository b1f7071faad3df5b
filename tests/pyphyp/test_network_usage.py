"""What operators are told of virtual switches."""

from __future__ import annotations

from emu.state import plain, rebuild
from hypervisor.network.frame import Frame
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine
from pyphyp.metering import Meter
from pyphyp.network_usage import ports_table
from pyphyp.usage import MachineUsage

MACHINE = """
[machine]
cores = 1
memory = "1G"
epoch = 0

[[shared_ethernet]]
outside = "pcap:/dev/null"

[[partition]]
name = "lpar1"
guest = "hello"
memory = "64M"
units = 0.5

[[partition.ethernet]]
mac = "0a:00:00:00:00:01"
more_vlans = [5, 7]
"""


def test_ports_are_told_with_their_counts() -> None:
    file = parse(MACHINE)
    with ManagedMachine(file.system, epoch=0) as machine:
        machine.power_on()
        _, port = machine.network.switch("ETHERNET0")
        port.send(Frame(b"\xff" * 12 + bytes(50)))
        port.send(Frame(b"\xff" * 12 + bytes(50), vlan=9))
        machine.network.exchange(0)
        usage = Meter(machine).usage()
        assert rebuild(MachineUsage, plain(usage), "usage") == usage
        head, way, its = ports_table(usage.switches).splitlines()
    assert head.split()[:5] == ["SWITCH", "PORT", "ADDRESS", "VLANS", "TRUNK"]
    assert " ".join(way.split()) == "ETHERNET0 nobody - 1 1, active 0 0 1 62 0 0"
    assert " ".join(its.split()) == "ETHERNET0 lpar1/3 - 1, 5, 7 - 2 124 0 0 1 0"
