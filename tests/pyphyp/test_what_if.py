"""The same partitions in a machine as it is, and in one that was changed."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from emu.engine import TIME_BASE_HZ
from hypervisor.dispatching.records import WINDOW
from hypervisor.system.definition import ToyKernel
from pyphyp.guest_starts import start_of
from pyphyp.machine_file import Change, ChangeError, MachineFile, MachineFileError, parse
from pyphyp.what_if import compare, run
from tests.pyphyp.managed import SPINNER, shared, system
from tests.pyphyp.terminal import PATIENCE, PYPHYP

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = """
[machine]
name = "office"
cores = 1
memory = "256M"
lmb = "16M"

[[pool]]
number = 1
name = "licensed"
maximum = 0.5

[[partition]]
name = "web"
guest = "ticks"
memory = "32M"
units = 0.3
weight = 100

[[partition]]
name = "database"
guest = "hello"
default_profile = "night"
  [[partition.profile]]
  name = "day"
  memory = "32M"
  units = 0.5
  [[partition.profile]]
  name = "night"
  memory = "32M"
  units = 0.2
"""


def what_if(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PYPHYP, "what-if", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "machine.toml"
    path.write_text(MACHINE)
    return str(path)


# -- changes -----------------------------------------------------------------------------------


def changed(*texts: str) -> Any:
    return parse(MACHINE, changes=[Change.parse(text) for text in texts]).system


def test_values_are_tomls_or_plain_text() -> None:
    values = {
        text: Change.parse(f"web.key={text}").value
        for text in ("200", "0.5", "true", '"x"', "512M", "share_idle_procs", "a=b", "1\nb = 2")
    }
    assert values == {
        "200": 200,
        "0.5": 0.5,
        "true": True,
        '"x"': "x",
        "512M": "512M",
        "share_idle_procs": "share_idle_procs",
        "a=b": "a=b",
        "1\nb = 2": "1\nb = 2",
    }


def test_partitions_pools_and_the_machine_are_changed() -> None:
    system = changed("web.weight=7", "pool1.maximum=0.4", "machine.cores=2", "web.memory=64M")
    web = system.partition("web").profile()
    assert (web.processors.weight, web.memory_mib.desired) == (7, 64)
    assert system.pool(1).maximum == 40
    assert changed("licensed.maximum=0.3").pool(1).maximum == 30
    assert system.cores.activated == 2


def test_the_profile_that_is_activated_is_changed() -> None:
    database = changed("database.units=0.4", "database.start=false").partition("database")
    assert [profile.processors.units.desired for profile in database.profiles] == [50, 40]
    assert not database.start


@pytest.mark.parametrize("text", ["", "web", "web.weight", "weight=1", ".x=1", "web.=1", "web.x="])
def test_what_is_no_change_is_refused(text: str) -> None:
    with pytest.raises(ChangeError, match=r"lpar1\.weight=200, for example"):
        Change.parse(text)


def test_an_unknown_name_is_answered_with_the_names() -> None:
    with pytest.raises(ChangeError, match="there are machine, web, database, pool1"):
        changed("wbe.weight=1")


@pytest.mark.parametrize("text", ["web.weight=256", "web.wieght=1", "web.units=9", "web.name=1"])
def test_what_cannot_be_is_refused_as_in_the_file(text: str) -> None:
    with pytest.raises(MachineFileError, match=r"partition\[(web|0)\]"):
        changed(text)


# -- both runs ---------------------------------------------------------------------------------


def test_both_tables_stand_side_by_side(file: str) -> None:
    done = what_if(file, "--set", "web.units=0.6", "--set", "web.weight=200")
    assert done.returncode == 0, done.stderr
    titles, headings, web, database, before, after = done.stdout.splitlines()
    assert titles.split() == ["|", "AS", "IT", "IS", "|", "CHANGED"]
    assert headings.count("CONSUMED") == 2
    assert web.split()[:5] == ["web", "|", "0.30", "100", "0.00"]
    assert web.split("|")[2].split()[:2] == ["0.60", "200"]
    assert database.split("|")[1].split() == database.split("|")[2].split()
    assert before.startswith("as it is: 5.0")
    assert after.startswith("changed: 5.0")


def test_a_change_that_cannot_be_runs_nothing(file: str) -> None:
    done = what_if(file, "--set", "web.units=0.9", "--set", "web.virtual_processors=1")
    assert done.returncode == 1
    assert "partition database needs 0.20 processing units" in done.stderr
    assert not done.stdout
    assert what_if(file, "--set", "x.weight=1").returncode == 1
    assert what_if(file, "--set", "x").returncode == 2
    assert what_if(file).returncode == 2


def test_weights_divide_what_is_left() -> None:
    starts = {"lpar1": SPINNER, "lpar2": SPINNER}

    def consumed(weight: int) -> list[float]:
        its = system(1, [shared(20, weight=100), shared(20, weight=weight)])
        usage = run(MachineFile(its, epoch=0), starts, 0.5).usage
        return [p.since_start.consumed / usage.now for p in usage.partitions]

    assert consumed(100) == pytest.approx([0.5, 0.5], rel=0.01)
    assert consumed(200) == pytest.approx([0.4, 0.6], rel=0.01)


def test_it_is_told_when_partitions_ended() -> None:
    its = MachineFile(system(1, [shared(20), shared(20)]), epoch=0)
    starts = {"lpar1": SPINNER, "lpar2": start_of(ToyKernel("hello"))}
    went = run(its, starts, 0.2)
    assert went.usage.now == round(0.2 * TIME_BASE_HZ)
    assert went.ended == {"lpar2": WINDOW}
    again = run(its, starts, 0.2)
    assert compare(went, again).splitlines()[3].split("|")[1].split()[-2:] == ["0.01", "s"]
    assert went == again
