"""Virtual I/O Servers in machine files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyphyp.machine_file import MachineFileError, parse

from .texts import MACHINE, PARTITION

if TYPE_CHECKING:
    from pathlib import Path


def test_virtual_io_servers_and_their_clients(tmp_path: Path) -> None:
    text = (MACHINE + PARTITION).replace('guest = "hello"', 'guest = "hello"\nvios = ["v1", "v2"]')
    servers = (
        '[[vios]]\nname = "v1"\n[[vios]]\nname = "v2"\nnumber = 9\nrootvg = "2G"\ntapes = [""]\n'
    )
    system = parse(text + servers, directory=tmp_path).system
    assert [(s.name, s.number, s.rootvg_mib) for s in system.io_servers] == [
        ("v1", 2, 128 << 10),
        ("v2", 9, 2048),
    ]
    assert system.io_servers[0].directory == tmp_path / "v1"
    adapters = system.partitions[0].scsi_adapters
    assert [(its.slot, its.server) for its in adapters] == [(20, "v1"), (21, "v2")]


def test_servers_that_are_not_there_or_twice_are_refused() -> None:
    text = (MACHINE + PARTITION).replace('guest = "hello"', 'guest = "hello"\nvios = ["v3"]')
    servers = '[[vios]]\nname = "v1"\n[[vios]]\nname = "v1"\nnumber = 1\nrootvg = "1M"\n'
    with pytest.raises(MachineFileError) as caught:
        parse(text + servers)
    told = str(caught.value)
    for words in ("there are: v1", "another one has it", "another partition has it", "1G at least"):
        assert words in told
