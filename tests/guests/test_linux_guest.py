"""The cache of the Debian guest: what is trusted, what is repaired, what is fetched again."""

import shutil
from pathlib import Path

import pytest

from guests.cache import StoredPackage, cache_directory
from guests.linux import Manifest, StoredFile, choose_kernel, fetch_linux, verify
from guests.packages import GuestFilesError, Package, sha256_of
from tests.guests.test_packages import Silent, build_deb

needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no dpkg-deb on this host")


class Shelf:
    """An apt that offers `packages`, whose dependencies name the kernels."""

    def __init__(self, *packages: Package) -> None:
        self.packages = packages

    def versions(self, name: str) -> list[Package]:
        return [package for package in self.packages if package.name == name]


def package(name: str, depends: str = "") -> Package:
    return Package(name, "1", "ppc64el", "0" * 64, depends)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A cache directory filled as a fetch would fill it."""
    stored = tmp_path / "linux" / "ppc64el"
    stored.mkdir(parents=True)
    files = {"vmlinux": "boot/vmlinux-6.1", "busybox": "bin/busybox"}
    packages, manifest_files = [], []
    for name, member in files.items():
        deb = build_deb(stored, name, {member: name.encode() * 1000})
        (stored / name).write_bytes(name.encode() * 1000)
        packages.append(StoredPackage(name, "1", sha256_of(deb), deb.name))
        manifest_files.append(StoredFile(name, sha256_of(stored / name), deb.name, member))
    manifest = Manifest("6.1", tuple(packages), tuple(manifest_files))
    (stored / "manifest.json").write_text(manifest.dump())
    return stored


def test_a_manifest_survives_being_written_and_read() -> None:
    manifest = Manifest(
        "6.1", (StoredPackage("p", "1", "aa", "p.deb"),), (StoredFile("f", "bb", "p.deb", "m"),)
    )
    assert Manifest.load(manifest.dump()) == manifest


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "files": 3}'])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"manifest|Expecting"):
        Manifest.load(text)


@needs_dpkg
def test_an_intact_cache_is_used_without_apt(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    guest = fetch_linux(Silent(), cache=tmp_path)
    assert guest.version == "6.1"
    assert guest.kernel.read_bytes().startswith(b"vmlinux")


@needs_dpkg
def test_a_cut_file_is_taken_from_its_package_again(stored: Path) -> None:
    (stored / "vmlinux").write_bytes(b"vml")
    assert verify(stored) is not None
    assert (stored / "vmlinux").read_bytes() == b"vmlinux" * 1000


@needs_dpkg
def test_a_damaged_file_with_a_damaged_package_cannot_be_repaired(stored: Path) -> None:
    (stored / "busybox").unlink()
    (stored / "busybox.deb").write_bytes(b"!<arch>")
    assert verify(stored) is None


def test_a_cache_without_a_manifest_counts_as_empty(tmp_path: Path) -> None:
    assert verify(tmp_path) is None


@needs_dpkg
def test_a_damaged_package_gives_no_more_files(stored: Path, tmp_path: Path) -> None:
    guest = fetch_linux(Silent(), cache=tmp_path)
    guest.package_file("busybox", "bin/busybox", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == guest.busybox.read_bytes()
    (stored / "busybox.deb").write_bytes(b"!<arch>")
    with pytest.raises(GuestFilesError, match="damaged"):
        guest.package_file("busybox", "bin/busybox", tmp_path / "again")


def test_without_apt_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(GuestFilesError, match=r"no apt .*pyphyp boot --kernel vmlinux"):
        fetch_linux(Silent(), cache=tmp_path)


def test_a_failed_fetch_leaves_nothing_but_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / "linux" / "incoming-killed").mkdir(parents=True)
    with pytest.raises(GuestFilesError):
        fetch_linux(Silent(), cache=tmp_path)
    assert [path.name for path in (tmp_path / "linux").iterdir()] == ["lock"]


def test_the_cache_can_be_moved_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYPHYP_CACHE", "/elsewhere")
    assert cache_directory() == Path("/elsewhere")


def test_a_6_1_kernel_is_preferred_to_a_newer_one() -> None:
    shelf = Shelf(
        package("linux-image-powerpc64le", "linux-image-6.12.1-powerpc64le (= 6.12.1-1)"),
        package("linux-image-powerpc64le", "linux-image-6.1.0-50-powerpc64le (= 6.1.176-1)"),
        package("linux-image-6.12.1-powerpc64le"),
        package("linux-image-6.1.0-50-powerpc64le"),
    )
    assert choose_kernel(shelf).name == "linux-image-6.1.0-50-powerpc64le"


def test_a_host_of_another_release_gives_the_kernel_it_has() -> None:
    shelf = Shelf(
        package("linux-image-generic", "linux-image-6.8.0-31-generic, linux-firmware"),
        package("linux-image-6.8.0-31-generic"),
    )
    assert choose_kernel(shelf).name == "linux-image-6.8.0-31-generic"


def test_sources_without_a_ppc64el_kernel_are_reported() -> None:
    with pytest.raises(GuestFilesError, match=r"offer no linux-image-powerpc64le"):
        choose_kernel(Shelf())


@pytest.mark.linux
def test_the_distributions_archive_gives_a_kernel_and_a_busybox() -> None:
    guest = fetch_linux(Silent())
    header = bytes.fromhex("7f454c46 02 01")  # ELF, 64-bit, little-endian
    assert guest.kernel.read_bytes().startswith(header)
    assert guest.busybox.read_bytes().startswith(header)
    assert guest.initramfs(script="poweroff -f\n").startswith(b"070701")
