"""Shared Ethernet Adapters of two servers that share load: each has half of the trunks."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from hypervisor.network.frame import BROADCAST
from hypervisor.network.switch import PortSettings
from tests.hypervisor.network.test_switch import Taker, frame, mac

from .seas import TwoServers
from .servers import said, transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MORE = (10, 20, 30)
SHARING = (
    "mkvdev -sea ent0 -vadapter ent1,ent3,ent4,ent5 -default ent1 -defaultid 1 "
    "-attr ha_mode=sharing ctl_chan=ent2"
)
SEA = "ent6"
HALVES = [[1, 10], [20, 30]]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[TwoServers]:
    its = TwoServers(tmp_path, SHARING, more=MORE)
    its.pass_time(600)
    yield its
    its.close()


def shares(its: TwoServers) -> list[list[int]]:
    return [sorted(its.carried(vios)) for vios in its.vios]


def crossings(its: TwoServers) -> None:
    """A broadcast of each VLAN passes once each way."""
    for vlan in (1, *MORE):
        station = Taker(50 + vlan)
        port = its.network.switch("ETHERNET0").attach(station, PortSettings(vlan))
        its.pass_time(10)
        its.host.got.clear()
        tag = 0 if vlan == 1 else vlan
        port.send(frame(BROADCAST, source=50 + vlan))
        its.pass_time(30)
        seen = [one for one in its.host.got if one.data[6:12] == mac(50 + vlan)]
        assert [one.vlan for one in seen if one.data[12:14] == b"\x08\x00"] == [tag], vlan
        its.host_port.send(frame(BROADCAST, tag, source=2))
        its.pass_time(30)
        assert len([one for one in station.got if one.data[6:12] == mac(2)]) == 1, vlan
        port.unplug()


def test_each_server_carries_half_of_the_trunks_and_each_frame_passes_once(
    two: TwoServers,
) -> None:
    assert two.states == ["PRIMARY_SH", "BACKUP_SH"]
    assert shares(two) == HALVES
    crossings(two)
    shown = said(two.vios[1], f"entstat -all {SEA}")
    assert "Bridge Mode: Partial" in shown
    assert "VID shared: 20 30" in shown


@pytest.mark.parametrize("which", [0, 1], ids=["primary", "backup"])
def test_either_half_is_taken_over_and_given_back(two: TwoServers, which: int) -> None:
    two.vios[which].shut_down()
    two.pass_time(600)
    assert two.states[1 - which] == "PRIMARY"
    assert shares(two)[1 - which] == [1, 10, 20, 30]
    crossings(two)
    two.vios[which].start()
    two.pass_time(1000)
    assert two.states == ["PRIMARY_SH", "BACKUP_SH"]
    assert shares(two) == HALVES
    crossings(two)


@pytest.mark.parametrize("which", [0, 1], ids=["primary", "backup"])
def test_who_has_lost_its_link_leaves_all_to_the_other_one(two: TwoServers, which: int) -> None:
    two.vios[which].ethernet.set_cable("ent0", plugged=False)
    two.pass_time(20)
    assert shares(two)[1 - which] == [1, 10, 20, 30]
    assert two.states[which] == "LIMBO"
    two.vios[which].ethernet.set_cable("ent0", plugged=True)
    two.pass_time(600)
    assert shares(two) == HALVES
    crossings(two)


def test_both_must_want_to_share(two: TwoServers) -> None:
    said(two.vios[1], f"chdev -dev {SEA} -attr ha_mode=auto")
    two.pass_time(600)
    assert two.states == ["PRIMARY", "BACKUP"]
    assert shares(two) == [[1, 10, 20, 30], []]
    said(two.vios[1], f"chdev -dev {SEA} -attr ha_mode=sharing")
    two.pass_time(600)
    assert shares(two) == HALVES
    said(two.vios[0], f"chdev -dev {SEA} -attr ha_mode=standby")
    two.pass_time(600)
    assert shares(two) == [[], [1, 10, 20, 30]]
    crossings(two)


def test_servers_with_other_trunks_do_not_share(two: TwoServers) -> None:
    said(two.vios[1], f"chdev -dev {SEA} -attr virt_adapters=ent1,ent3,ent4")
    two.pass_time(600)
    assert shares(two) == [[1, 10, 20, 30], []]
    assert two.states == ["PRIMARY", "BACKUP"]


def test_whatever_happens_in_turn_each_vlan_has_one_way(two: TwoServers) -> None:
    """`pass_time` looks at every step that no VLAN has two."""
    rng = random.Random(5)
    for _ in range(120):
        vios = two.vios[rng.randrange(2)]
        match rng.randrange(4):
            case 0:
                vios.shut_down() if vios.runs else vios.start()
            case 1:
                vios.ethernet.set_cable("ent0", plugged=rng.random() < 0.6)
            case 2 if vios.runs:
                mode = rng.choice(("auto", "standby", "sharing", "disabled"))
                if mode != "disabled":
                    said(vios, f"chdev -dev {SEA} -attr ha_mode={mode}")
        two.pass_time(rng.choice((10, 50, 150, 500)))
    for vios in two.vios:
        if not vios.runs:
            vios.start()
        vios.ethernet.set_cable("ent0", plugged=True)
        said(vios, f"chdev -dev {SEA} -attr ha_mode=sharing")
    two.pass_time(1500)
    assert shares(two) == HALVES
    crossings(two)


def test_a_session_about_load_sharing(
    two: TwoServers, tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    lines = f"""
lsdev -dev {SEA} -attr
entstat -all {SEA} | grep -E "State|Bridge|VID|Mode|Priority"
lsmap -all -net
chdev -dev {SEA} -attr virt_adapters=ent1
errlog
"""
    golden("vios-sharing.txt", transcript(two.vios[1], lines, tmp_path))
