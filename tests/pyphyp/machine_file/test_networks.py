"""Ethernet in machine files: adapters' addresses, trunks, ways to the outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from hypervisor.network.shared_ethernet import Forward, Nat, Nobody, ServerPort, SharedEthernet, Tap
from pyphyp.machine_file import parse

from .texts import MACHINE, PARTITION, wrong

ADAPTER = "[[partition.ethernet]]\n"
SECOND = PARTITION.replace("lpar1", "lpar2")
WAY = '[[shared_ethernet]]\noutside = "{}"\n'


def ways(text: str) -> tuple[SharedEthernet, ...]:
    return parse(MACHINE + text + PARTITION, directory=Path("/there")).system.shared_ethernet


def test_a_way_leads_where_it_says() -> None:
    nat = WAY.format("nat") + 'forward = ["tcp:2222:22", "80:8080"]\npcap = "nat.pcap"\n'
    tap = WAY.format("tap:tap0") + 'switch = "outer"\nvlan = 10\nmore_vlans = [20]\n'
    tap += "trunk_priority = 3\n"
    assert ways(nat + tap + WAY.format("pcap:all.pcap") + "vlan = 2\n") == (
        SharedEthernet(
            Nat((Forward(2222, 22), Forward(80, 8080))), capture=Path("/there/nat.pcap")
        ),
        SharedEthernet(Tap("tap0"), "outer", 10, (20,), 3),
        SharedEthernet(Nobody(), vlan=2, capture=Path("/there/all.pcap")),
    )


def test_addresses_that_guests_may_take_are_listed() -> None:
    text = MACHINE + PARTITION + ADAPTER + 'allowed_macs = ["0a:00:00:00:00:02"]\n' + ADAPTER
    restricted, free = parse(text).system.partitions[0].ethernet_adapters
    assert restricted.allowed == (bytes.fromhex("0a0000000002"),)
    assert free.allowed is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            WAY.format("wire"),
            ":4: shared_ethernet[0] = { outside = \"wire\" }: 'wire' leads nowhere: nat, tap:",
        ),
        (WAY.format("nat") + 'forward = ["22"]\n', "'22' forwards nothing: [tcp:|udp:]"),
        (WAY.format("nat") + "more_vlans = [2]\n", "[2] }: nat knows no tags: give each"),
        (WAY.format("tap:a") + 'forward = ["1:2"]\n', "forward goes with nat, not with tap"),
        ("[[shared_ethernet]]\n", "shared_ethernet[0].outside: is missing"),
        (
            WAY.format("nat") * 2,
            "shared_ethernet[1] = trunk priority 1: another trunk of VLAN 1 in ETHERNET0 has it",
        ),
        (
            WAY.format("tap:a") + WAY.format("tap:a") + "vlan = 2\n",
            'shared_ethernet[1].outside = "tap:a": another way has that already',
        ),
        (
            (WAY.format("nat") + 'forward = ["1:2"]\n')
            + (WAY.format("nat") + 'vlan = 2\nforward = ["1:3"]\n'),
            'shared_ethernet[1].forward = ["1:3"]: another way has that already',
        ),
    ],
)
def test_what_cannot_be_is_told_with_its_place(text: str, said: str) -> None:
    (problem,) = wrong(MACHINE + text + PARTITION)
    assert said in problem


def test_two_adapters_with_one_address_are_refused() -> None:
    mac = ADAPTER + 'mac = "0a:00:00:00:00:01"\n'
    (said,) = wrong(MACHINE + PARTITION + mac + SECOND + mac)
    why = "an adapter of lpar1 has that address"
    assert said.endswith(f'[lpar2].ethernet[0].mac = "0a:00:00:00:00:01": {why}')
    (said,) = wrong(MACHINE + PARTITION + mac + mac)
    assert said.endswith(f'[lpar1].ethernet[1].mac = "0a:00:00:00:00:01": {why}')


def test_a_partition_s_trunk_and_the_machine_s_need_different_priorities() -> None:
    trunk = ADAPTER + "trunk_priority = 1\n"
    (said,) = wrong(MACHINE + WAY.format("nat") + PARTITION + trunk)
    assert "[lpar1].ethernet[0].trunk_priority = 1: another trunk of VLAN 1 in ETHERNET0" in said


def test_an_address_that_is_none_is_told() -> None:
    (said,) = wrong(MACHINE + PARTITION + ADAPTER + 'mac = "0a:00"\n')
    assert "0a:00 is no adapter's address" in said
    (said,) = wrong(MACHINE + PARTITION + ADAPTER + 'mac = "me"\n')
    assert "'me' is no address: 0a:00:00:00:00:01" in said


LAN = '[[lan]]\nname = "office"\n'
SERVER = '[[vios]]\nname = "v1"\nlans = ["office"]\n[[vios.ethernet]]\n'


def test_a_lan_leads_where_it_says_and_servers_are_cabled_to_it() -> None:
    text = MACHINE + LAN + LAN.replace("office", "out") + 'outside = "tap:a"\n' + PARTITION
    text += SERVER + "trunk_priority = 2\nmore_vlans = [5]\n[[vios.ethernet]]\nvlan = 99\n"
    system = parse(text, directory=Path("/there")).system
    assert system.lans == (
        SharedEthernet(Nobody(), "office"),
        SharedEthernet(Tap("a"), "out"),
    )
    server = system.io_servers[0]
    assert server.lans == ("office",)
    assert server.ethernet == (ServerPort(more_vlans=(5,), trunk_priority=2), ServerPort(vlan=99))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAN * 2, "another one has it"),
        (LAN + 'forward = ["22:22"]\n', "forward goes with nat, not with "),
        (LAN + WAY.format("nat") + 'switch = "office"\n', "a virtual switch; that is a lan"),
        (ADAPTER + 'switch = "office"\nvlan = 2\n' + LAN, "a lan carries all tags as they are"),
        (SERVER, "no lan has that name; there are: none"),
        (LAN + SERVER + "vlan = 4095\n", "vios[v1].ethernet[0].vlan = 4095: "),
        (LAN + SERVER + 'switch = "office"\n', "a virtual switch; that is a lan"),
        (
            WAY.format("nat") + LAN + SERVER + "trunk_priority = 1\n",
            "another trunk of VLAN 1 in ETHERNET0 has it",
        ),
        (
            LAN + 'outside = "tap:a"\n' + WAY.format("tap:a"),
            "another way has that already",
        ),
    ],
)
def test_lans_and_servers_adapters_that_cannot_be_are_told(text: str, said: str) -> None:
    (problem,) = wrong(MACHINE + PARTITION + text)
    assert said in problem
