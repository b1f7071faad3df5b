"""The big-endian guest: what a host must have, what is kept of a cut build, what is trusted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from guests import big_endian
from guests.big_endian import Manifest, build_big_endian_linux, recipe, stored_big_endian_linux
from guests.packages import GuestFilesError, Package, SourcePackage, sha256_of
from tests.guests.test_packages import Silent, build_deb

if TYPE_CHECKING:
    from collections.abc import Iterable

needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no dpkg-deb on this host")

MAKE = """\
#!/bin/sh
# The two things that are made, and a mark in `calls` for each; BREAK names one that fails.
while [ $# -gt 0 ]; do
    case $1 in
    -C) directory=$2; shift;;
    O=*) objects=${1#O=};;
    KCONFIG_ALLCONFIG=*) configuration=${1#KCONFIG_ALLCONFIG=};;
    *) goal=$1;;
    esac
    shift
done
echo "$goal" >>"$CALLS"
[ "$goal" = "$BREAK" ] && { echo "  CC      broken.o"; echo "broken.c: no such luck"; exit 2; }
case $goal in
allnoconfig)
    mkdir -p "$objects/include/config"
    grep -v "$LOSE" "$configuration" >"$objects/.config";;
vmlinux)
    echo 6.1.9-powerpc64 >"$objects/include/config/kernel.release"
    echo k >"$objects/vmlinux";;
busybox) echo b >"$directory/busybox";;
esac
"""
UNPACK = """\
#!/bin/sh
echo dpkg-source >>"$CALLS"
mkdir -p "$3/debian/config/pkg"
echo CONFIG_STATIC=y >"$3/debian/config/pkg/static"
"""


class Shelf:
    """An apt that has both sources."""

    def __init__(
        self, directory: Path, architecture: str, progress: object, *, source_packages: bool
    ) -> None:
        directory.mkdir()
        tree = directory / "tree"
        (tree / "linux").mkdir(parents=True)
        (tree / "linux" / "Makefile").touch()
        archive = shutil.make_archive(str(directory / "l"), "xztar", tree)
        member = f"usr/src/{big_endian.KERNEL_SOURCE}.tar.xz"
        self.deb = build_deb(directory, "linux-source", {member: Path(archive).read_bytes()})

    def update(self) -> None: ...

    def versions(self, name: str) -> list[Package]:
        return [Package(name, "6.1.9-1", "all", sha256_of(self.deb))]

    def download(self, packages: Iterable[Package], into: Path) -> list[Path]:
        return [Path(shutil.copy(self.deb, into))]

    def source(self, name: str) -> SourcePackage:
        (self.deb.parent / "b.dsc").write_text("b")
        return SourcePackage(name, {"b.dsc": sha256_of(self.deb.parent / "b.dsc")})

    def download_source(self, package: SourcePackage, into: Path) -> None:
        shutil.copy(self.deb.parent / "b.dsc", into)


class Host:
    """A host whose tools are quick; `calls` tells what was run."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cache, self._calls = directory / "cache", directory / "calls"
        self._monkeypatch = monkeypatch
        tools = directory / "tools"
        tools.mkdir()
        own = {
            "make": MAKE,
            "dpkg-source": UNPACK,
            "powerpc64-linux-gnu-gcc": "#!/bin/sh\necho /libc.a\n",
        }
        for name in (*own, "flex", "bison", "bc"):
            tool = tools / name
            tool.write_text(own.get(name, "#!/bin/sh\n"))
            tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
        monkeypatch.setenv("CALLS", str(self._calls))
        monkeypatch.setenv("LOSE", "^$")
        self.breaks("")
        monkeypatch.setattr(big_endian, "Apt", Shelf)

    def breaks(self, goal: str) -> None:
        self._monkeypatch.setenv("BREAK", goal)

    def calls(self) -> list[str]:
        """What was run since the last look."""
        calls = self._calls.read_text().split() if self._calls.exists() else []
        self._calls.unlink(missing_ok=True)
        return calls

    def build(self) -> bytes:
        return build_big_endian_linux(Silent(), cache=self.cache).kernel.read_bytes()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_a_host_without_the_tools_is_told_which_packages_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(GuestFilesError, match=r"apt-get install gcc-powerpc64-linux-gnu .* flex"):
        build_big_endian_linux(Silent(), cache=tmp_path)


@needs_dpkg
def test_a_compiler_without_a_library_is_not_enough(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tools" / "powerpc64-linux-gnu-gcc").write_text("#!/bin/sh\necho libc.a\n")
    with pytest.raises(GuestFilesError, match=r"apt-get install libc6-dev-ppc64-cross helps"):
        host.build()


@needs_dpkg
def test_a_build_leaves_the_products_and_nothing_else(host: Host) -> None:
    assert host.build() == b"k\n"
    home = host.cache / "linux"
    assert {path.name for path in home.iterdir()} == {"ppc64.lock", f"ppc64-{recipe()}"}
    stored = home / f"ppc64-{recipe()}"
    assert {path.name for path in stored.iterdir()} == {"vmlinux", "busybox", "manifest.json"}
    manifest = Manifest.load((stored / "manifest.json").read_text())
    assert manifest.version == "6.1.9-powerpc64"
    assert set(manifest.sources) == {"linux-source.deb", "b.dsc"}


@needs_dpkg
def test_what_is_built_is_not_built_again(host: Host) -> None:
    host.build()
    host.calls()
    host.build()
    assert host.calls() == []


@needs_dpkg
def test_a_cut_build_gives_nothing_and_is_resumed(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.breaks("busybox")
    with pytest.raises(GuestFilesError, match=r"make fails: .*no such luck .*log\)"):
        host.build()
    assert stored_big_endian_linux(host.cache) is None
    assert "dpkg-source" in host.calls()
    host.breaks("")
    monkeypatch.delattr(big_endian, "Apt")
    assert host.build() == b"k\n"
    assert "dpkg-source" not in host.calls()


@needs_dpkg
def test_a_damaged_source_is_fetched_again(host: Host) -> None:
    host.breaks("vmlinux")
    with pytest.raises(GuestFilesError):
        host.build()
    (source,) = host.cache.glob("linux/*.building/sources/linux-source.deb")
    source.write_bytes(source.read_bytes()[:100])
    host.breaks("")
    assert host.build() == b"k\n"


@needs_dpkg
@pytest.mark.parametrize("file", ["vmlinux", "busybox", "manifest.json"])
def test_a_damaged_product_is_not_used(host: Host, file: str) -> None:
    host.build()
    (host.cache / "linux" / f"ppc64-{recipe()}" / file).write_bytes(b"")
    assert stored_big_endian_linux(host.cache) is None
    assert host.build() == b"k\n"


@needs_dpkg
def test_an_option_that_the_source_does_not_take_is_named(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOSE", "CONFIG_DTL=")
    with pytest.raises(GuestFilesError, match=r"linux-source-6.1 does not take CONFIG_DTL=y"):
        host.build()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "files": 3}'])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"manifest|Expecting"):
        Manifest.load(text)
