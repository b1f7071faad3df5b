"""Shared Ethernet Adapters of two servers: one bridges, the other one takes over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from hypervisor.network.frame import BROADCAST, Frame
from hypervisor.network.switch import PortSettings
from pyphyp.vios.padmin import carry_out
from tests.hypervisor.network.test_switch import Taker, frame, mac

from .seas import CLIENT, CONTROL, HOST, MAKE, WITH_CHANNEL, TwoServers
from .servers import refused, said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHANNELS = pytest.mark.parametrize("sea", [MAKE, WITH_CHANNEL], ids=["discovery", "control"])


@pytest.fixture
def two(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[TwoServers]:
    its = TwoServers(tmp_path, getattr(request, "param", MAKE))
    its.pass_time(500)
    yield its
    its.close()


@CHANNELS
def test_the_lower_number_bridges_and_each_frame_passes_once(tmp_path: Path, sea: str) -> None:
    its = TwoServers(tmp_path, sea)
    its.pass_time(500)
    assert its.states == ["PRIMARY", "BACKUP"]
    assert its.reach() == [2, 2]
    its.close()


@CHANNELS
def test_the_other_one_takes_over_from_a_server_that_ends_and_gives_back(
    tmp_path: Path, sea: str
) -> None:
    its = TwoServers(tmp_path, sea)
    its.pass_time(500)
    its.vios[0].shut_down()
    its.pass_time(500)
    assert its.states == ["-", "PRIMARY"]
    assert its.reach() == [2, 2]
    its.vios[0].start()
    its.pass_time(500)
    assert its.states == ["PRIMARY", "BACKUP"]
    assert its.reach() == [2, 2]
    shown = said(its.vios[0], "entstat -all ent3") + said(its.vios[1], "entstat -all ent3")
    assert "Recovery Packets: 1\n" in shown
    assert "Notify Packets: 1\n" in shown
    its.close()


def test_standby_hands_over_at_once_and_auto_takes_back(two: TwoServers) -> None:
    said(two.vios[0], "chdev -dev ent3 -attr ha_mode=standby")
    two.pass_time(10)
    assert two.states == ["BACKUP", "PRIMARY"]
    assert two.reach() == [2, 2]
    said(two.vios[0], "chdev -dev ent3 -attr ha_mode=auto")
    two.pass_time(10)
    assert two.states == ["PRIMARY", "BACKUP"]
    said(two.vios[1], "chdev -dev ent3 -attr ha_mode=standby")
    two.vios[0].shut_down()
    two.pass_time(500)  # a standby one is better than none
    assert two.states == ["-", "PRIMARY"]
    assert two.reach() == [2, 2]


def test_who_has_lost_its_link_hands_over_and_takes_back(two: TwoServers) -> None:
    two.vios[0].ethernet.set_cable("ent0", plugged=False)
    two.pass_time(10)
    assert two.states == ["LIMBO", "PRIMARY"]
    assert "Limbo Packets: 1\n" in said(two.vios[1], "entstat -all ent3")
    assert "Link Status: Down" in said(two.vios[0], "entstat -all ent0")
    assert two.reach() == [2, 2]
    two.vios[0].ethernet.set_cable("ent0", plugged=True)
    two.pass_time(10)
    assert two.states == ["PRIMARY", "BACKUP"]
    assert two.reach() == [2, 2]


def test_outside_learns_at_once_where_those_within_are(two: TwoServers) -> None:
    """So what a host sends goes to the new primary, although nobody within has spoken."""
    two.reach()
    two.vios[0].shut_down()
    two.pass_time(500)
    two.host_port.send(frame(mac(CLIENT), source=HOST))
    before = len(two.client.got)
    two.pass_time(20)
    assert len(two.client.got) == before + 1
    told = [one for one in two.host.got if one.data[12:14] == b"\x80\x35"]
    assert told[-1].source == mac(CLIENT)


@pytest.mark.parametrize("two", [WITH_CHANNEL, MAKE], indirect=True)
def test_no_frame_of_a_partition_is_an_announcement_and_none_reaches_one(
    two: TwoServers,
) -> None:
    """Whatever it sends, in the control channel's VLAN, in its own or with tag 4095."""
    station = Taker(9)
    settings = PortSettings(CONTROL, frozenset((1,)))
    port = two.network.switch("ETHERNET0").attach(station, settings)
    counts = [its.counts.received for its in two.members]
    for kind in ("8100", "8809", "88b5", "0800", "ffff", "0000"):
        for tag in (0, 1, CONTROL, 4095):
            for to in (BROADCAST, bytes.fromhex("0180c2000002"), mac(0)):
                data = to + mac(9) + bytes.fromhex(kind) + b"RECOVERY" + bytes(range(50))
                port.send(Frame(data, tag))
                two.client_port.send(Frame(data, tag))
                two.host_port.send(Frame(data, tag))
    two.network.exchange(two.now)  # no time passes: only what partitions send moves
    assert [its.counts.received for its in two.members] == counts
    assert two.states == ["PRIMARY", "BACKUP"]
    station.got.clear()
    two.client.got.clear()
    two.host.got.clear()
    two.pass_time(500)
    assert station.got == two.client.got == two.host.got == []
    assert min(its.counts.received for its in two.members) > min(counts)


def test_two_that_do_not_hear_each_other_make_no_loop(tmp_path: Path) -> None:
    its = TwoServers(tmp_path, MAKE.replace("auto", "disabled"))
    its.pass_time(100)
    assert its.reach() == [2, 2]
    its.vios[0].shut_down()
    its.pass_time(10)
    assert its.reach() == [2, 2]
    its.close()


def test_tags_pass_both_ways(tmp_path: Path) -> None:
    its = TwoServers(tmp_path, vlans=(20,))
    station = its.outsider(20)
    its.pass_time(500)
    its.host_port.send(frame(BROADCAST, 20, source=HOST))
    its.host_port.send(frame(BROADCAST, 30, source=HOST))
    its.pass_time(20)
    assert [one.vlan for one in station.got] == [0]
    assert its.client.got == []
    port = its.network.switch("ETHERNET0").attach(Taker(8), PortSettings(20))
    port.send(frame(BROADCAST, source=8))
    its.pass_time(20)
    assert [one.vlan for one in its.host.got if one.source == mac(8)] == [20]
    its.close()


def test_what_was_made_outlives_the_server(tmp_path: Path) -> None:
    its = TwoServers(tmp_path)
    its.close()
    its = TwoServers(tmp_path, sea="")
    its.pass_time(500)
    assert its.states == ["PRIMARY", "BACKUP"]
    said(its.vios[0], "rmdev -dev ent3")
    its.pass_time(500)
    assert its.reach() == [2, 2]
    its.close()
    file = tmp_path / "v1" / "ethernet.json"
    assert json.loads(file.read_text())["shared"] == []


def test_a_file_that_is_none_is_told_and_an_adapter_that_is_gone_is_defined(
    tmp_path: Path,
) -> None:
    TwoServers(tmp_path).close()
    file = tmp_path / "v1" / "ethernet.json"
    file.write_text(file.read_text().replace('"ent0"', '"ent2"'))
    its = TwoServers(tmp_path, sea="")
    its.pass_time(500)
    assert "ent3             Defined" in said(its.vios[0], "lsdev -type sea")
    assert "is not a physical adapter" in said(its.vios[0], "errlog -ls")
    assert its.reach() == [2, 2]
    assert "is not available" in refused(its.vios[0], "entstat -all ent3")
    said(its.vios[0], "lsmap -all -net", "chdev -dev ent3 -attr real_adapter=ent0")
    its.pass_time(500)
    assert its.states == ["PRIMARY", "BACKUP"]
    its.close()
    for text in ("[]", '{"format": 2}', "\ufeff", '{"format": 1, "shared": [{}]}'):
        file.write_text(text)
        with pytest.raises(Exception, match="does not describe Ethernet adapters"):
            TwoServers(tmp_path, sea="")


def test_refused_commands_change_nothing(two: TwoServers) -> None:
    vios = two.vios[0]
    for line in (
        "chdev -dev ent3 -attr ha_mode=sharing",  # it has one trunk
        "chdev -dev ent3 -attr ha_mode",
        "chdev -dev ent3 -attr pvid=4095",
        "chdev -dev ent3 -attr pvid=2",
        "chdev -dev ent3 -attr virt_adapters=ent2",
        "chdev -dev ent3 -attr virt_adapters=ent1,ent1",
        "chdev -dev ent3 -attr ctl_chan=ent1",
        "chdev -dev ent0 -attr ha_mode=auto",
        "chdev -dev ent99999999 -attr ha_mode=auto",
        "chdev -dev ent3",
        "rmdev -dev ent0",
        "rmdev -dev ent3 -ucfg",
        "rmvdev -sea ent1",
        MAKE,
    ):
        refused(vios, line)
    assert carry_out(vios, "lsdev -dev ent3 -attr").out.count("True") == 6
    two.pass_time(100)
    assert two.states == ["PRIMARY", "BACKUP"]
    assert two.reach() == [2, 2]
