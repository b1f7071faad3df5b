"""`pyphyp add`, `remove`, `slots` and `cdrom` in machines that run in the background."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pyphyp.daemon.locations import location
from tests.pyphyp.terminal import Terminal

from .processes import daemon_process, run, until_gone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyphyp.daemon.locations import Location

pytestmark = pytest.mark.usefixtures("runtime")

LINUX = """
[machine]
name = "dlpar"
cores = 1
memory = "1G"

[[partition]]
name = "web"
guest = "linux"
memory = "1G"
units = 1
packages = ["powerpc-utils"]
"""
MIB = 1 << 20


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "data.img"
    path.write_bytes(b"on the disk".ljust(MIB, b"\0"))
    return path


def states(partition: str) -> dict[int, str]:
    found = json.loads(run("slots", partition, "--json").stdout)
    return {its["slot"]: its["state"] for its in found["slots"]}


@pytest.mark.usefixtures("office")
def test_a_guest_that_does_not_listen_is_offered_what_is_added(image: Path) -> None:
    added = run("add", "disk", "shell", f"{image},ro")
    assert added.returncode == 0
    assert added.stderr.splitlines() == [
        f"pyphyp: shell: disk {image},ro in virtual slot 2, Upyphyp.PYP0001-V1-C2",
        "pyphyp: shell does not listen for such events; in it, as root: "
        "drmgr -c slot -a -s Upyphyp.PYP0001-V1-C2",
    ]
    assert run("add", "cdrom", "shell", str(image), "--slot", "9").returncode == 0
    assert run("add", "ethernet", "shell", "--vlan", "7").returncode == 0
    assert run("add", "console", "shell", "hvsi").returncode == 0
    shown = run("slots", "shell").stdout
    for line in (
        "console raw terminal: the guest has it",
        "ethernet ETHERNET0 vlan 7: waits for the guest to take it",
        "console hvsi terminal: waits for the guest to take it",
        f"cdrom {image}: waits for the guest to take it",
    ):
        assert line in shown
    removed = run("remove", "shell", "2")
    assert removed.returncode == 0
    assert removed.stderr.endswith("shell: virtual slot 2 is empty\n")
    assert states("shell") == {0: "OWNED", 3: "OFFERED", 4: "OFFERED", 9: "OFFERED"}
    with Terminal("console", "shell", "4") as terminal:
        terminal.type(b"\x1dd")
        assert terminal.status() == 0


@pytest.mark.usefixtures("office")
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("remove", "shell", "5"), "virtual slot 5 is empty"),
        (("remove", "shell", "0"), "the first console cannot be removed"),
        (("add", "ethernet", "shell", "--slot", "64"), "the guest knows those below 64"),
        (("add", "ethernet", "spare"), "partition spare does not run"),
        (("add", "ethernet", "sehll"), "there is no partition 'sehll'"),
        (("slots", "spare"), "partition spare does not run"),
        (("cdrom", "load", "shell", "FILE"), "no optical drive 0"),
        (("cdrom", "unload", "shell"), "no optical drive 0"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    words: tuple[str, ...], why: str, image: Path
) -> None:
    refused = run(*(str(image) if word == "FILE" else word for word in words))
    assert refused.returncode == 1
    assert why in refused.stderr


def test_discs_are_changed(office: Location, image: Path) -> None:
    assert run("add", "cdrom", "shell").returncode == 0
    loaded = run("cdrom", "load", "shell", str(image))
    assert loaded.stderr == f"pyphyp: shell: {image} is in drive 0\n"
    assert f" cdrom {image}: " in run("slots", "shell").stdout
    assert run("cdrom", "unload", "shell").stderr == "pyphyp: shell: drive 0 is empty\n"
    assert " cdrom (empty): " in run("slots", "shell").stdout


@pytest.fixture
def dlpar(runtime: Path, tmp_path: Path) -> Iterator[None]:
    file = tmp_path / "machine.toml"
    file.write_text(LINUX)
    done = run("up", str(file), "--detach")
    assert done.returncode == 0, done.stderr
    process = daemon_process(location("dlpar"))
    yield
    run("down", "--now")
    until_gone(process)


@pytest.mark.linux
@pytest.mark.usefixtures("dlpar")
def test_debian_takes_a_disk_that_is_added_and_gives_it_back(image: Path) -> None:
    with Terminal("console", "web") as web:
        web.wait_for(b"web:~# ")
        added = run("add", "disk", "web", str(image))
        assert added.returncode == 0, added.stderr
        assert added.stderr.endswith("web has it\n")
        web.type(b"sleep 1; dd if=/dev/sda bs=11 count=1 2>/dev/null; echo\r")
        web.wait_for(b"on the disk")
        removed = run("remove", "web", "2")
        assert removed.returncode == 0, removed.stderr
        assert removed.stderr.endswith("web: virtual slot 2 is empty\n")
        assert states("web") == {0: "OWNED"}
        web.type(b"ls /proc/device-tree/vdevice | grep -c @\r")
        web.wait_for(b"\n1\r")


@pytest.mark.linux
@pytest.mark.usefixtures("dlpar")
def test_what_a_guest_keeps_is_told_and_can_be_pulled(image: Path) -> None:
    with Terminal("console", "web") as web:
        web.wait_for(b"web:~# ")
        assert run("add", "cdrom", "web", str(image)).returncode == 0
        web.type(b"mv /usr/sbin/drmgr /tmp\r")
        web.wait_for(b"web:~# ")
        kept = run("remove", "web", "2", "--seconds", "1")
        assert kept.returncode == 1
        assert (
            "web has not given it back, as it may be in use; in it, as root: drmgr -c slot -r -s"
            in kept.stderr
        )
        assert states("web") == {0: "OWNED", 2: "LEAVING"}
        pulled = run("remove", "web", "2", "--now")
        assert pulled.returncode == 0, pulled.stderr
        assert states("web") == {0: "OWNED"}
        web.type(b"echo still $((6 * 7))\r")
        web.wait_for(b"still 42")
