"""A TCP stream between two guests; QEMU's are two processes with spapr-vlan and a socket between.

Kernel, initial file system and driver are the same; so is the machine, but for what its adapters
do for the driver: PowerVM's take checksums and cut segments, QEMU's do not.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from guests.linux import fetch_linux
from guests.modules import ETHERNET_MODULES, kernel_modules
from guests.userland import fetch_userland

from .figure import Figure, Measured
from .systems import POWER9, PYTHON, Guest, Silent, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .session import Session

_ADDRESS = "52:54:00:00:00:0{}"


def _figure(name: str, what: str) -> Figure:
    return Figure(name, what, "s", 1.0, 1 / 1.5, ratios=True)


FIGURES = (
    _figure("network-stream", "a TCP stream of 256 MiB between two guests"),
    _figure("network-frames", "one of 64 MiB, checksums and segments being the guests' work"),
)
# The guests tell by their addresses who sends.
_SCRIPT = """
read address </sys/class/net/eth0/address
number=${address##*:0}
ip addr add 10.0.0.$number/24 dev eth0
ip link set eth0 up
if [ $number = 2 ]; then
    iperf3 -s -1 >/dev/null
    ethtool -K eth0 rx off tx off tso off
    iperf3 -s -1 >/dev/null
else
    until ping -q -c 1 -W 1 10.0.0.2 >/dev/null; do :; done
    sleep 1
    echo begin:0
    iperf3 -c 10.0.0.2 -n 256M >/dev/null && echo end:0
    ethtool -K eth0 rx off tx off tso off
    sleep 1
    echo begin:1
    iperf3 -c 10.0.0.2 -n 64M >/dev/null && echo end:1
fi
poweroff -f
"""
_MACHINE = """
[machine]
cores = 2
memory = "4G"
[[partition]]
name = "sender"
kernel = "{kernel}"
initrd = "{initrd}"
append = "console=hvc0 quiet"
memory = "1G"
dedicated = 1
[[partition.ethernet]]
mac = "{sender}"
[[partition]]
name = "receiver"
kernel = "{kernel}"
initrd = "{initrd}"
append = "console=hvc0 quiet"
memory = "1G"
dedicated = 1
[[partition.ethernet]]
mac = "{receiver}"
"""


def measure(wanted: Sequence[Figure], session: Session) -> Iterator[Measured]:
    with TemporaryDirectory() as directory:
        guest = _guest(directory)
        file = Path(directory) / "machine.toml"
        file.write_text(
            _MACHINE.format(
                kernel=fetch_linux(Silent()).kernel,
                initrd=guest.initrd,
                sender=_ADDRESS.format(1),
                receiver=_ADDRESS.format(2),
            )
        )
        ours = (*PYTHON, "-m", "tests.bench.managed", str(file))
        works: list[tuple[str, Callable[[], list[float]]]] = []
        works.append(("streams, pyphyp", partial(_seconds, ours, session, None)))
        if session.qemu:
            works.append(("streams, qemu", partial(_qemu, guest, session)))
        taken = session.in_turn(works)
    for n, figure in enumerate(FIGURES):
        if figure in wanted:
            pairs = [[seconds[n] for seconds in runs] for runs in taken]
            yield Measured(figure, pairs[0], pairs[1] if session.qemu else ())


def _guest(directory: str) -> Guest:
    linux = fetch_linux(Silent())
    packages = fetch_userland(("iperf3", "ethtool"), Silent())
    modules = kernel_modules(linux, Silent()).load_order(ETHERNET_MODULES)
    return Guest.write(directory, linux.initramfs(None, _SCRIPT, packages, modules))


def _qemu(guest: Guest, session: Session) -> list[float]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{free.getsockname()[1]}"

    def command(number: int, how: str) -> tuple[str, ...]:
        device = f"spapr-vlan,netdev=wire,mac={_ADDRESS.format(number)}"
        wire = f"socket,id=wire,{how}={where}"
        return guest.qemu(*POWER9, "-netdev", wire, "-device", device)

    with subprocess.Popen(
        command(2, "listen"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as receiver:
        try:
            return _seconds(command(1, "connect"), session, receiver.pid)
        finally:
            receiver.kill()


def _seconds(command: tuple[str, ...], session: Session, other: int | None) -> list[float]:
    """Those of each stream; `other` is a second process whose time counts."""
    told: dict[str, float] = {}

    def look(line: bytes, process: int) -> None:
        now = session.now(process)
        if other is not None and session.processor_time:
            with contextlib.suppress(OSError):  # it is over
                now += session.now(other)
        word, _, number = line.decode(errors="replace").strip().partition(":")
        for known in ("begin", "end"):
            if word.endswith(known):
                told.setdefault(known + number, now)

    run(command, session, look)
    if len(told) != 2 * len(FIGURES):
        raise SystemExit(f"{command}: only {sorted(told)} was told")
    return [told[f"end{n}"] - told[f"begin{n}"] for n in range(len(FIGURES))]
