"""Package sources as hosts write them, and package files built on the spot."""

import shutil
import subprocess
from pathlib import Path

import pytest

from guests.apt_sources import distribution_sources, host_sources, one_line_sources, stanzas
from guests.packages import Apt, GuestFilesError, extract

needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no dpkg-deb on this host")
RELEASE = {"ID": "debian", "VERSION_CODENAME": "bookworm"}


class Silent:
    def step(self, description: str, fraction: float | None) -> None:
        pass


def build_deb(
    where: Path, name: str, files: dict[str, bytes], links: dict[str, str] | None = None
) -> Path:
    """A package file `name`.deb in `where` with `files` and symlinks, by path from the root."""
    root = where / f"{name}.root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: 1\nArchitecture: ppc64el\nMaintainer: n <n@n>\nDescription: n\n"
    )
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    for path, target in (links or {}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)
    deb = where / f"{name}.deb"
    subprocess.run(["dpkg-deb", "--build", root, deb], check=True, capture_output=True)
    return deb


def test_a_one_line_source_loses_its_architecture_and_keeps_its_keyring() -> None:
    line = "deb [arch=amd64 signed-by=/k.gpg] http://mirror/debian bookworm main contrib # here\n"
    (source,) = stanzas(distribution_sources(one_line_sources(line), RELEASE))
    assert source == {
        "types": "deb",
        "suites": "bookworm",
        "targets": "Packages",
        "uris": "http://mirror/debian",
        "components": "main contrib",
        "signed-by": "/k.gpg",
    }


def test_a_deb822_source_keeps_a_key_written_out_in_it() -> None:
    text = (
        "Types: deb deb-src\nURIs: http://m/debian\nSuites: bookworm bookworm-updates\n"
        "Components: main\nArchitectures: amd64\n# a remark\nSigned-By:\n -----BEGIN\n .\n abc\n"
    )
    written = distribution_sources(stanzas(text), RELEASE)
    (source,) = stanzas(written)
    assert source["signed-by"] == "\n -----BEGIN\n .\n abc"
    assert source["suites"] == "bookworm bookworm-updates"
    assert "architectures" not in source


@pytest.mark.parametrize(
    "line",
    [
        "deb http://vendor/apt nodistro main",
        "deb http://vendor/apt bookworm-pgdg main",
        "deb http://vendor/docker bookworm stable",
        "deb-src http://mirror/debian bookworm main",
        "deb cdrom:[Debian]/ bookworm main",
        "# deb http://mirror/debian bookworm main",
    ],
)
def test_a_source_that_is_not_the_distribution_is_dropped(line: str) -> None:
    assert distribution_sources(one_line_sources(line), RELEASE) == ""


@pytest.mark.parametrize("suite", ["bookworm", "bookworm-security", "noble-updates", "stable"])
def test_the_suites_of_debian_and_of_the_host_are_kept(suite: str) -> None:
    release = {"VERSION_CODENAME": "wilma", "UBUNTU_CODENAME": "noble"}
    line = f"deb http://mirror/x {suite} main"
    assert f"suites: {suite}\n" in distribution_sources(one_line_sources(line), release)


def test_a_disabled_source_is_dropped() -> None:
    text = "Enabled: no\nTypes: deb\nURIs: http://m\nSuites: bookworm\nComponents: main\n"
    assert distribution_sources(stanzas(text), RELEASE) == ""


def test_both_forms_of_source_file_are_read_and_absent_ones_ignored(tmp_path: Path) -> None:
    (tmp_path / "a.list").write_text("deb http://one bookworm main\n")
    (tmp_path / "b.sources").write_text("Types: deb\nURIs: http://two\n\n\nTypes: deb-src\n")
    files = [tmp_path / name for name in ("a.list", "b.sources", "none.list")]
    assert [s.get("uris") for s in host_sources(files)] == ["http://one", "http://two", None]


def test_a_host_without_apt_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GuestFilesError, match="no apt"):
        Apt(tmp_path / "apt", "ppc64el", Silent())


@needs_dpkg
def test_only_the_wanted_members_of_a_package_are_written(tmp_path: Path) -> None:
    deb = build_deb(tmp_path, "p", {"boot/vmlinux-6": b"kernel" * 9999, "boot/config": b"c"})
    extract(deb, {"boot/vmlinux-6": tmp_path / "vmlinux"})
    assert (tmp_path / "vmlinux").read_bytes() == b"kernel" * 9999
    assert not (tmp_path / "config").exists()


@needs_dpkg
def test_a_member_the_package_lacks_is_named(tmp_path: Path) -> None:
    deb = build_deb(tmp_path, "p", {"a": b""})
    with pytest.raises(GuestFilesError, match="holds no file bin/busybox"):
        extract(deb, {"bin/busybox": tmp_path / "busybox"})


@needs_dpkg
def test_a_cut_package_is_called_damaged(tmp_path: Path) -> None:
    deb = build_deb(tmp_path, "p", {"a": b"x" * 100_000})
    deb.write_bytes(deb.read_bytes()[:200])
    with pytest.raises(GuestFilesError, match="damaged"):
        extract(deb, {"a": tmp_path / "a"})
