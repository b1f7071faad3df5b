"""A client's disk, by each way it may come: what the same reading and writing takes.

A Virtual I/O Server that is built in against a Debian that serves with its own ibmvscsis, and
Fibre Channel (NPIV) against virtual SCSI from the built-in one.  The client, its programs and the
file behind the disk are the same; the time is the whole machine's, a serving Debian's included.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from guests.linux import fetch_linux
from guests.modules import DISK_MODULES, FC_MODULES, kernel_modules
from guests.userland import fetch_userland
from pyphyp.actions import RunViosCommand
from pyphyp.machine_file import read
from pyphyp.managed import ManagedMachine

from .disk import MIB
from .figure import Figure, Measured
from .systems import PYTHON, Guest, Silent, programs_script, seconds_of_programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .session import Session

_DISK_BYTES = 256 * MIB
_PROGRAMS = {
    "read": "dd if=/dev/sda of=/dev/null bs=1M iflag=direct 2>/dev/null",
    "write": "dd if=/dev/zero of=/dev/sda bs=1M oflag=direct 2>/dev/null",
    "read-4k": "ioping -q -D -i 0 -c 5000 -s 4k /dev/sda >/dev/null",
    "write-4k": "ioping -q -D -i 0 -c 5000 -s 4k -WWW /dev/sda >/dev/null",
}
_SHARES = {
    "vios": "of a built-in Virtual I/O Server, to that of a Linux that serves",
    "npiv": "of virtual Fibre Channel, to that of virtual SCSI",
}
"""Kinds of figures: whose time, to whose."""
_ASKED = {
    (share, program): Figure(
        f"{share}-{program}", f"time of a disk's {program} {what}", "x", *wanted
    )
    for (share, what), wanted in zip(_SHARES.items(), ((1, 0.33), (1.2, 1)), strict=True)
    for program in _PROGRAMS
}
FIGURES = tuple(_ASKED.values())

_CLIENT = """
[machine]
cores = 2
memory = "4G"
[[partition]]
name = "client"
kernel = "{kernel}"
initrd = "{initrd}"
append = "console=hvc0 quiet"
memory = "1G"
dedicated = 1
"""
_BUILT_IN = (
    _CLIENT
    + """
vios = ["server"]
[[vios]]
name = "server"
disks = ["{disk}"]
"""
)
_NPIV = (
    _CLIENT
    + """
fc = ["red"]
[[fabric]]
name = "red"
[[storage]]
name = "storage"
fabrics = ["red"]
disks = ["{disk}"]
"""
)
_LINUX = (
    _CLIENT
    + """
vios = ["server"]
[[partition]]
name = "server"
guest = "linux"
memory = "1G"
dedicated = 1
disks = ["{disk}"]
script = "serve.sh"
[[partition.vscsi_server]]
client = "client"
"""
)
_SERVE = """
mount -t configfs none /sys/kernel/config
cd /sys/kernel/config/target
mkdir -p core/iblock_0/disk ibmvscsis/3000000a/tpgt_1/lun/lun_0
echo udev_path=/dev/sda >core/iblock_0/disk/control
echo 1 >core/iblock_0/disk/enable
ln -s $PWD/core/iblock_0/disk ibmvscsis/3000000a/tpgt_1/lun/lun_0/disk
echo 1 >ibmvscsis/3000000a/tpgt_1/enable
sh
"""
_WAIT = """
until [ -b /dev/sda ]; do sleep 0.1; echo - - - >/sys/class/scsi_host/host0/scan; done
"""
# ibmvscsi looks for units as it starts: a Linux that serves may not have them yet.


def measure(wanted: Sequence[Figure], session: Session) -> Iterator[Measured]:
    programs = [name for name in _PROGRAMS if any(_ASKED[s, name] in wanted for s in _SHARES)]
    shares = [share for share in _SHARES if any(_ASKED[share, p] in wanted for p in _PROGRAMS)]
    with TemporaryDirectory() as directory:
        disk = Path(directory) / "disk.img"
        disk.write_bytes(bytes(MIB))
        os.truncate(disk, _DISK_BYTES)
        Path(directory, "serve.sh").write_text(_SERVE)
        initrd = _initrd(directory, [_PROGRAMS[name] for name in programs])

        def work(name: str, text: str, mapping: str = "") -> tuple[str, Callable[[], list[float]]]:
            file = Path(directory) / f"{name}.toml"
            kernel = fetch_linux(Silent()).kernel
            file.write_text(text.format(kernel=kernel, initrd=initrd, disk=disk))
            if mapping:
                with ManagedMachine(read(file).system) as machine:
                    machine.perform(RunViosCommand("server", mapping))
            command = (*PYTHON, "-m", "tests.bench.managed", str(file))
            count = len(programs)
            return f"disk, {name}", partial(seconds_of_programs, command, session, count)

        built_in = work("built-in", _BUILT_IN, "mkvdev -vdev hdisk1 -vadapter vhost0")
        others = {"vios": ("linux", _LINUX), "npiv": ("npiv", _NPIV)}
        taken = session.in_turn([built_in, *(work(*others[share]) for share in shares)])
    for share, other in zip(shares, taken[1:], strict=True):
        for n, name in enumerate(programs):
            if (figure := _ASKED[share, name]) in wanted:
                ratios = [its[n] / theirs[n] for its, theirs in zip(taken[0], other, strict=True)]
                yield Measured(figure, ratios if share == "vios" else [1 / r for r in ratios])


def _initrd(directory: str, commands: Sequence[str]) -> Path:
    linux = fetch_linux(Silent())
    packages = fetch_userland(("ioping",), Silent())
    modules = kernel_modules(linux, Silent()).load_order((*DISK_MODULES, *FC_MODULES))
    script = _WAIT + programs_script(commands)
    return Guest.write(directory, linux.initramfs(None, script, packages, modules)).initrd
