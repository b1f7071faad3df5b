"""Sets of packages in the cache: what is trusted, what is built again, what is refused."""

import hashlib
import shutil
from pathlib import Path

import pytest

from guests.cache import StoredPackage
from guests.packages import GuestFilesError, sha256_of
from guests.userland import Manifest, fetch_userland
from tests.guests.test_packages import Silent, build_deb

needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no dpkg-deb on this host")


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """The directory of the set {bash, libc-bin, tool} as a fetch leaves it, but without a tree."""
    debs = tmp_path / "linux" / "debs"
    debs.mkdir(parents=True)
    packages = []
    for name in ("bash", "libc-bin", "tool"):
        deb = build_deb(tmp_path, name, {f"usr/bin/{name}": name.encode() * 1000})
        sha256 = sha256_of(deb)
        deb.rename(debs / f"{sha256}.deb")
        packages.append(StoredPackage(name, "1", sha256, f"{sha256}.deb"))
    stored = tmp_path / "linux" / "sets" / hashlib.sha256(b"bash\nlibc-bin\ntool").hexdigest()[:16]
    stored.mkdir(parents=True)
    manifest = Manifest(("bash", "libc-bin", "tool"), tuple(packages), "0" * 64)
    (stored / "manifest.json").write_text(manifest.dump())
    return stored


def test_a_manifest_survives_being_written_and_read() -> None:
    manifest = Manifest(("a", "b"), (StoredPackage("p", "1", "aa", "p.deb"),), "bb")
    assert Manifest.load(manifest.dump()) == manifest


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "names": []}'])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"manifest|format|Expecting"):
        Manifest.load(text)


@needs_dpkg
def test_a_damaged_tree_is_built_again_from_its_packages(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fetch_userland(["tool"], Silent(), cache=tmp_path).archive.read_bytes()
    assert b"tooltool" in first
    (stored / "tree.cpio").write_bytes(first[:1000])
    assert fetch_userland(["tool"], Silent(), cache=tmp_path).archive.read_bytes() == first
    monkeypatch.setenv("PATH", "")  # an intact one needs no tools
    assert fetch_userland(["tool"], Silent(), cache=tmp_path).archive.read_bytes() == first


@needs_dpkg
def test_shell_and_locale_come_with_every_set(stored: Path, tmp_path: Path) -> None:
    userland = fetch_userland(["tool", "tool", "bash"], Silent(), cache=tmp_path)
    assert [package.name for package in userland.packages] == ["bash", "libc-bin", "tool"]
    archive = userland.archive.read_bytes()
    assert archive.index(b"usr/bin/bash\0") < archive.index(b"usr/bin/sh\0")


@needs_dpkg
def test_a_damaged_tree_with_a_damaged_package_is_fetched_again(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    userland = fetch_userland(["tool"], Silent(), cache=tmp_path)
    userland.archive.unlink()
    userland.debs[0].write_bytes(b"!<arch>")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(GuestFilesError, match="no apt"):
        fetch_userland(["tool"], Silent(), cache=tmp_path)


@pytest.mark.linux
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pyhton3", "offer no pyhton3; did you mean python3"),
        ("awk", "no installation candidate .*take one of .*mawk"),
        ("bash-", "'bash-' is no name of a package"),
        ("--help", "'--help' is no name of a package"),
    ],
)
def test_a_package_that_is_not_on_offer_is_refused_with_advice(
    name: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(GuestFilesError, match=words):
        fetch_userland([name], Silent(), cache=tmp_path)
    assert not list((tmp_path / "linux" / "sets").iterdir())


@pytest.mark.linux
def test_the_distributions_archive_gives_a_package_with_all_it_needs() -> None:
    userland = fetch_userland(["bc"], Silent())
    assert {"bash", "bc", "libc6", "libreadline8"} <= {p.name for p in userland.packages}
    assert all(deb.is_file() for deb in userland.debs)
