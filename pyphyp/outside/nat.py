"""Translation in user mode: 10.0.2.0/24, with DHCP and a name server, in a process beside ours.

The machine and that process exchange frames over a socket and never wait for it; if the process
ends, for whatever reason, frames are lost until another one has begun.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pyphyp.messages import complain

from .link import LinkError
from .slirp import READY
from .vetting import vetted

if TYPE_CHECKING:
    from hypervisor.network.shared_ethernet import Forward, Nat

PROGRAM = Path(__file__).with_name("slirp.py")
_PATIENCE = 30.0
"""Seconds that the process may take to begin."""
_BETWEEN_BEGINNINGS = 5.0
"""Seconds: a guest that makes the process end keeps nobody busy with that."""
_LONGEST = 1 << 17
_BUFFER = 1 << 20
_ANY = "0.0.0.0"  # libslirp's word for the first address that it leases


class NatLink:
    """Raises `LinkError` where there is no libslirp, or a port is not free."""

    def __init__(self, nat: Nat) -> None:
        self._forwards = json.dumps([_words(forward) for forward in nat.forwards])
        self._machine: socket.socket | None = None
        self._begin()
        self._wait_until_ready()

    def _begin(self) -> None:
        machine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (machine, its):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        with its:
            try:
                self.process = subprocess.Popen(
                    [sys.executable, "-P", PROGRAM, str(its.fileno()), self._forwards],
                    pass_fds=(its.fileno(),),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for the machine
                )
            except OSError as wrong:
                machine.close()
                raise LinkError(f"nat cannot begin: {wrong.strerror}") from None
        machine.setblocking(False)
        self._machine, self._ready = machine, False
        self._begun = time.monotonic()

    def _wait_until_ready(self) -> None:
        assert self._machine is not None
        self._machine.settimeout(_PATIENCE)
        try:
            said = self._machine.recv(_LONGEST)
        except OSError:
            said = b""
        if said != READY:
            self.close()
            raise LinkError(said.decode(errors="replace") or "nat did not begin")
        self._ready = True
        self._machine.setblocking(False)

    @property
    def descriptor(self) -> int | None:
        return None if self._machine is None else self._machine.fileno()

    def send(self, frame: bytes) -> bool:
        if self._machine is None or not vetted(frame):
            return False
        try:
            self._machine.send(frame)
        except OSError:  # it is full, or has ended, which `receive` will find
            return False
        return True

    def receive(self) -> bytes | None:
        if self._machine is None:
            self._begin_again()
            return None
        try:
            frame = self._machine.recv(_LONGEST)
        except BlockingIOError:
            return None
        except OSError:
            frame = b""
        if not frame:
            self._ended()
            return None
        if not self._ready:
            self._ready = frame == READY
            return None
        return frame

    def _ended(self) -> None:
        self.close()
        complain(f"nat has ended ({self.process.returncode}) and begins again")

    def _begin_again(self) -> None:
        if time.monotonic() - self._begun >= _BETWEEN_BEGINNINGS:
            with contextlib.suppress(LinkError):
                self._begin()

    def close(self) -> None:
        machine, self._machine = self._machine, None
        if machine is not None:
            machine.close()  # which ends the process
            self.process.kill()
            self.process.wait()


def _words(forward: Forward) -> list[str | int]:
    guest = _ANY if forward.guest is None else str(forward.guest)
    return [
        *(forward.transport.value, str(forward.host), forward.port),
        *(guest, forward.guest_port),
    ]
