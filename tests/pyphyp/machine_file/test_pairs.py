"""Virtual SCSI between partitions in machine files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guests.modules import SERVER_MODULES
from hypervisor.system.definition import DistributionLinux
from hypervisor.system.validation import problems
from hypervisor.vio.configuration import PairedAdapter, PairedRole
from pyphyp.machine_file import parse

from .texts import MACHINE, wrong

SERVER = '[[partition]]\nname = "io"\nguest = "linux"\nmemory = "64M"\nunits = 0.5\n'
ADAPTER = '[[partition.vscsi_server]]\nclient = "web"\n'
CLIENT = '[[partition]]\nname = "web"\nguest = "hello"\nmemory = "64M"\nunits = 0.5\n'
VIOS = 'vios = ["io"]\n'


def test_a_partition_serves_another_one_that_names_it() -> None:
    system = parse(MACHINE + SERVER + ADAPTER + CLIENT + VIOS).system
    server, client = system.partitions
    assert server.paired_adapters == (PairedAdapter(10, PairedRole.SERVER, "web", 20),)
    assert client.paired_adapters == (PairedAdapter(20, PairedRole.CLIENT, "io", 10),)
    assert client.scsi_adapters == ()
    assert isinstance(server.guest, DistributionLinux)
    assert server.guest.modules == SERVER_MODULES


def test_slots_are_those_that_are_named() -> None:
    first = ADAPTER + "client_slot = 21\nslot = 40\n"
    text = MACHINE + SERVER + first + ADAPTER + CLIENT + 'vios = ["io", "io"]\n'
    server, client = parse(text).system.partitions
    assert [(its.slot, its.partner_slot) for its in server.paired_adapters] == [(40, 21), (10, 20)]
    assert [(its.slot, its.partner_slot) for its in client.paired_adapters] == [(21, 40), (20, 10)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SERVER + CLIENT + VIOS, "partition io has no [[partition.vscsi_server]] for slot 20"),
        (SERVER + ADAPTER + CLIENT, "web has no adapter there that names io in its key vios"),
        (SERVER + ADAPTER + ADAPTER + CLIENT + VIOS, "web has no adapter there"),
        (SERVER + ADAPTER + "client_slot = 5\n" + CLIENT + VIOS, "web has no adapter there"),
        (SERVER + ADAPTER + "slot = 0\n" + CLIENT + VIOS, "another: there is an adapter in it"),
        (SERVER + ADAPTER.replace("web", "io") + CLIENT, "another partition; there are web"),
        (SERVER + ADAPTER.replace("web", "x") + CLIENT, "another partition; there are web"),
    ],
)
def test_adapters_without_a_partner_are_refused(text: str, told: str) -> None:
    assert any(told in line for line in wrong(MACHINE + text))


def test_what_a_script_pairs_wrongly_is_refused() -> None:
    system = parse(MACHINE + SERVER + ADAPTER + CLIENT + VIOS).system
    server, client = system.partitions
    one_sided = replace(system, partitions=(server, replace(client, paired_adapters=())))
    assert [problem.value for problem in problems(one_sided)] == ["web slot 20"]
    both = (*client.paired_adapters, *client.paired_adapters)
    twice = replace(system, partitions=(server, replace(client, paired_adapters=both)))
    assert [problem.value for problem in problems(twice)] == ["slot 20"]
