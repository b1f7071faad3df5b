"""A TAP device of the host: frames go as they are to the host's own network."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from typing import TYPE_CHECKING

from hypervisor.network.frame import LONGEST

from .link import LinkError

if TYPE_CHECKING:
    from hypervisor.network.shared_ethernet import Tap

_DEVICE = "/dev/net/tun"
_SET_INTERFACE = 0x400454CA
_TAP, _NO_INFORMATION = 0x0002, 0x1000


class TapLink:
    """Raises `LinkError` where the device cannot be had."""

    def __init__(self, tap: Tap) -> None:
        try:
            self.descriptor = os.open(_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as wrong:
            remedy = "; modprobe tun, as root" if wrong.errno == errno.ENOENT else ""
            raise LinkError(f"{_DEVICE}: {wrong.strerror}{remedy}") from None
        request = struct.pack("16sH22x", tap.device.encode(), _TAP | _NO_INFORMATION)
        try:
            fcntl.ioctl(self.descriptor, _SET_INTERFACE, request)
        except OSError as wrong:
            os.close(self.descriptor)
            raise LinkError(f"TAP device {tap.device}: {_why(wrong, tap.device)}") from None

    def send(self, frame: bytes) -> bool:
        try:
            os.write(self.descriptor, frame)
        except OSError:  # it is full, or down
            return False
        return True

    def receive(self) -> bytes | None:
        try:
            return os.read(self.descriptor, LONGEST)
        except OSError:
            return None

    def close(self) -> None:
        os.close(self.descriptor)


def _why(wrong: OSError, name: str) -> str:
    match wrong.errno:
        case errno.EPERM:
            return f"not yours; as root: ip tuntap add dev {name} mode tap user $USER"
        case errno.EBUSY:
            return "another process has it"
        case errno.EINVAL:
            return "there is a device of that name that is no TAP device"
    return wrong.strerror or str(wrong)
