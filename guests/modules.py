"""Drivers of Debian's kernel: its modules, with what they depend on, for the initial file system.

The kernel's package is unpacked once into one archive with an index beside it:

    <cache>/linux/ppc64el/modules.zip       every module, compressed
    <cache>/linux/ppc64el/modules.json      by name: path, SHA-256, what it depends on

Both are of the package that the index names, or made again.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import zipfile
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from guests.cache import locked
from guests.packages import GuestFilesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from guests.linux import LinuxGuest
    from guests.packages import Progress

FORMAT = 1
ARCHIVE, INDEX = "modules.zip", "modules.json"
_SUFFIX = ".ko"

DISK_MODULES = ("crc32c_generic", "ext4", "sd_mod", "ibmvscsi")
OPTICAL_MODULES = ("isofs", "sr_mod", "ibmvscsi")
TAPE_MODULES = ("st", "ibmvscsi")
ETHERNET_MODULES = ("ibmveth",)
"""What a guest with virtual disks, with optical drives, with tapes, or with Ethernet needs."""
SERVER_MODULES = ("ibmvscsis", "target_core_file", "target_core_iblock")
"""What a guest needs that lends disks to others."""
FC_MODULES = ("crc32c_generic", "ext4", "sd_mod", "st", "sg", "ibmvfc")
"""What a guest with virtual Fibre Channel needs for disks and tape libraries behind it."""
TERMINAL_SERVER_MODULES = ("hvcs",)
"""What a guest needs that reaches others' consoles."""
SLOT_PACKAGE = "powerpc-utils"
SLOT_MODULES = ("rpadlpar_io", *DISK_MODULES, *OPTICAL_MODULES, *TAPE_MODULES, *ETHERNET_MODULES)
"""What a guest needs for adapters that come while it runs, and the package that takes them."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the index; `depends` are names, in the order of its own list."""

    path: str
    sha256: str
    depends: tuple[str, ...]


class Modules:
    """The modules of a kernel, read from the cache."""

    def __init__(self, home: Path, index: dict[str, Module]) -> None:
        self._home, self._index = home, index

    def load_order(self, names: Iterable[str]) -> list[tuple[str, bytes]]:
        """Paths from the root and contents of the modules `names` and all they depend on.

        Each comes behind what it depends on.  Raises `GuestFilesError` for a module there is not.
        """
        order: dict[str, None] = {}
        for name in names:
            self._visit(name.replace("-", "_"), order)
        with zipfile.ZipFile(self._home / ARCHIVE) as archive:
            return [(self._index[n].path, self._content(archive, n)) for n in order]

    def _visit(self, name: str, order: dict[str, None]) -> None:
        if name in order:
            return
        if name not in self._index:
            raise GuestFilesError(f"this kernel has no module {name}")
        for other in self._index[name].depends:
            self._visit(other, order)
        order[name] = None

    def _content(self, archive: zipfile.ZipFile, name: str) -> bytes:
        module = self._index[name]
        try:
            content = archive.read(name)
        except (KeyError, zipfile.BadZipFile, OSError):
            content = b""
        if hashlib.sha256(content).hexdigest() != module.sha256:
            raise GuestFilesError(
                f"module {name} in the cache is damaged; remove {self._home / INDEX} to have the "
                "modules unpacked again"
            )
        return content


def kernel_modules(guest: LinuxGuest, progress: Progress) -> Modules:
    """The modules of the kernel of `guest`; unpacked the first time, which takes some seconds."""
    home = guest.kernel.parent
    package = next((p for p in guest.packages if p.name.startswith("linux-image")), None)
    if package is None:
        raise GuestFilesError("this kernel comes without modules")
    with locked(home / "modules.lock", progress):
        index = _stored(home, package.sha256)
        if index is None:
            progress.step("Unpacking the kernel's modules", None)
            index = _unpack(home, home / package.deb, package.sha256)
    return Modules(home, index)


def _stored(home: Path, package: str) -> dict[str, Module] | None:
    try:
        fields = json.loads((home / INDEX).read_text())
        if fields["format"] != FORMAT or fields["package"] != package:
            return None
        return {
            name: Module(m["path"], m["sha256"], tuple(m["depends"]))
            for name, m in fields["modules"].items()
        }
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _unpack(home: Path, deb: Path, package: str) -> dict[str, Module]:
    index: dict[str, Module] = {}
    new = home / f"{ARCHIVE}.new"
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path, content in _module_files(deb):
            name = PurePosixPath(path).stem.replace("-", "_")
            digest = hashlib.sha256(content).hexdigest()
            index[name] = Module(path, digest, _depends(content))
            archive.writestr(name, content)
    new.replace(home / ARCHIVE)
    fields = {name: asdict(module) for name, module in index.items()}
    text = json.dumps({"format": FORMAT, "package": package, "modules": fields})
    part = home / f"{INDEX}.new"
    part.write_text(text)
    part.replace(home / INDEX)
    return index


def _module_files(deb: Path) -> Iterator[tuple[str, bytes]]:
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as unpacker:
        assert unpacker.stdout is not None
        try:
            with tarfile.open(fileobj=unpacker.stdout, mode="r|") as archive:
                for member in archive:
                    if member.isreg() and member.name.endswith(_SUFFIX):
                        file = archive.extractfile(member)
                        assert file is not None
                        yield member.name.removeprefix("./"), file.read()
        except (tarfile.TarError, EOFError) as error:
            raise GuestFilesError(f"{deb.name} is damaged: {error}") from error
        finally:
            unpacker.kill()


def _depends(content: bytes) -> tuple[str, ...]:
    """What the module's own section of information says it depends on."""
    try:
        section = ELFFile(io.BytesIO(content)).get_section_by_name(".modinfo")
    except ELFError as error:
        raise GuestFilesError(f"a module of the kernel is no ELF file: {error}") from error
    if section is None:
        return ()
    for entry in section.data().split(b"\0"):
        key, _, value = entry.partition(b"=")
        if key == b"depends":
            return tuple(n.replace("-", "_") for n in value.decode().split(",") if n)
    return ()
