"""`pyphyp san` shows and changes the fabrics of a machine that runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pyphyp.daemon.locations import location

from .processes import MACHINE, daemon_process, run, until_gone

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("runtime")

NETWORK = """
[[fabric]]
name = "red"
[[fabric.zone]]
name = "all"
members = ["ds8k"]

[[storage]]
name = "ds8k"
fabrics = ["red"]
"""


def _fabric() -> tuple[list[str], dict[str, list[str]]]:
    """Ports that are online, and zones."""
    (fabric,) = json.loads(run("san", "show", "--json").stdout)
    return [port["name"] for port in fabric["ports"] if port["online"]], fabric["zones"]


def test_operators_show_and_change_fabrics(tmp_path: Path) -> None:
    file = tmp_path / "machine.toml"
    file.write_text(MACHINE + NETWORK)
    up = run("up", str(file), "--detach")
    assert up.returncode == 0, up.stderr
    process = daemon_process(location("office"))
    assert _fabric() == (["ds8k/0"], {"all": ["ds8k"]})
    assert "ds8k/0" in run("san", "show").stdout
    assert run("san", "add", "red", "web", "web", "ds8k/0").returncode == 0
    assert run("san", "remove", "red", "all").returncode == 0
    assert run("san", "down", "ds8k").returncode == 0
    assert _fabric() == ([], {"web": ["web", "ds8k/0"]})
    for change in (("up", "ds8k/0"), ("freeze", "ds8k"), ("thaw", "ds8k"), ("reset", "ds8k")):
        assert run("san", *change).returncode == 0
    refused = run("san", "login", "web")
    assert (refused.returncode, "there are none" in refused.stderr) == (1, True)
    assert run("san", "logout", "web").returncode == 1
    refused = run("san", "down", "nobody")
    assert (refused.returncode, "there are ds8k/0" in refused.stderr) == (1, True)
    assert _fabric()[0] == ["ds8k/0"]
    assert run("down", "--now").returncode == 0
    until_gone(process)
