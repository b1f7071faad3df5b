"""`pyphyp up` builds what a machine file says of the network: ways to the outside, boot servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pyphyp.daemon.locations import location

from .processes import MACHINE, daemon_process, run, until_gone

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("runtime")

WAYS = """
[[shared_ethernet]]
outside = "pcap:frames.pcap"

[[shared_ethernet]]
outside = "pcap:nowhere/frames.pcap"
vlan = 2

[[boot_server]]
directory = "."
file = "kernel"
vlan = 3
"""


def test_a_machine_has_its_ways_to_the_outside_and_says_which_it_cannot_have(
    tmp_path: Path,
) -> None:
    file = tmp_path / "machine.toml"
    file.write_text(MACHINE + WAYS)
    (tmp_path / "kernel").write_bytes(b"a program")
    up = run("up", str(file), "--detach")
    assert up.returncode == 0, up.stderr
    assert f"{tmp_path}/nowhere/frames.pcap" in up.stderr
    process = daemon_process(location("office"))
    (switch,) = json.loads(run("network", "--json").stdout)
    assert {(port["vlan"], port["active"]) for port in switch["ports"]} == {(1, True), (3, False)}
    assert (tmp_path / "frames.pcap").exists()
    assert run("down", "--now").returncode == 0
    until_gone(process)
