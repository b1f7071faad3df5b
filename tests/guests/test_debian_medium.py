"""The archive that a Debian system is installed from."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from guests.debian.medium import FIRST, WORK, plan, unpressed, without_keys, write
from guests.packages import Package, PlannedStep
from tests.guests.test_packages import Silent, build_deb

if TYPE_CHECKING:
    from pathlib import Path

needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no dpkg-deb on this host")


def package(name: str) -> Package:
    return Package(name, "1", "ppc64el", "0" * 64)


def steps(text: str) -> list[PlannedStep]:
    """`+a` unpacks a, `a` configures it."""
    return [PlannedStep(package(word.lstrip("+")), word[0] != "+") for word in text.split()]


def test_the_base_comes_first_and_together_and_the_rest_in_apts_order() -> None:
    order = steps("+libc6 libc6 +dpkg dpkg +x +y y x +z z +mawk mawk")
    assert plan(order, {"libc6", "dpkg", "mawk"}).splitlines() == [
        *(f"install {name}" for name in FIRST if name in ("dpkg", "libc6", "mawk")),
        "unpack-base libc6 dpkg mawk",
        "configure-base",
        "unpack x y",
        "configure y x",
        "unpack z",
        "configure z",
        "configure-all",
    ]


@needs_dpkg
def test_a_package_without_compression_is_the_same_package(tmp_path: Path) -> None:
    deb = build_deb(tmp_path, "p", {"usr/bin/tool": b"#!" * 999})
    plain = tmp_path / "plain.deb"
    plain.write_bytes(unpressed(deb))
    for option in ("--ctrl-tarfile", "--fsys-tarfile"):
        both = [subprocess.check_output(["dpkg-deb", option, file]) for file in (deb, plain)]
        assert both[0] == both[1]
    assert b"data.tar  " in plain.read_bytes()


@needs_dpkg
def test_the_archive_holds_the_base_unpacked_and_every_package(tmp_path: Path) -> None:
    debs = {
        "base": build_deb(tmp_path, "base", {"bin/sh": b"#!"}, {"lib/l": "../bin/sh"}),
        "more": build_deb(tmp_path, "more", {"usr/bin/more": b"#!"}),
    }
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        write(tar, [package("base"), package("more")], debs, {"base"}, Silent())
    with tarfile.open(fileobj=io.BytesIO(archive.getvalue())) as tar:
        names = tar.getnames()
        link = tar.getmember("bin")
        owners = {(member.uname, member.gname) for member in tar}
    assert (link.type, link.linkname) == (tarfile.SYMTYPE, "usr/bin")
    assert {"usr/bin/sh", "usr/lib/l", "var/lib/dpkg/status"} <= set(names)
    assert {f"{WORK}/debs/base.deb", f"{WORK}/debs/more.deb"} <= set(names)
    assert "usr/bin/more" not in names
    assert names.count("bin") == 1
    assert owners == {("", "")}


def test_the_installed_system_looks_for_keys_in_its_own_places() -> None:
    text = (
        "Types: deb\nSigned-By: /k.gpg\nURIs: u\n\nTypes: deb\nSigned-By:\n -----\n abc\nURIs: v\n"
    )
    assert without_keys(text) == "Types: deb\nURIs: u\n\nTypes: deb\nURIs: v\n"
