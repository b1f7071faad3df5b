"""Loading a program over the network: BOOTP, then TFTP (obp-tftp; IEEE 1275's TFTP booting
extension and LoPAR's arguments).

    network[:[bootp|dhcp,][server],[file],[client],[gateway],[bootp retries],[tftp retries],
             [mask],[block size]]

Words with `=` (speed=auto, duplex=auto) are for the adapter and change nothing here.  With server
and client, BOOTP is left out.  The server is the machine's own: firmware cannot wait while other
partitions answer.
"""

from __future__ import annotations

import struct
from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING, NamedTuple

from hypervisor.network import bootp
from hypervisor.network.frame import BROADCAST, MacAddress
from hypervisor.network.ip import (
    EVERYBODY,
    NOWHERE,
    Arp,
    Datagram,
    parse_arp,
    parse_datagram,
)
from hypervisor.network.tftp import LEAST_BLOCK, MOST_BLOCK, PORT, USUAL_BLOCK, Operation

from .device_error import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from .network_devices import NetworkDevice

    AnswerT = TypeVar("AnswerT")

PROTOCOLS = ("bootp", "dhcp")
USUAL_RETRIES = 5
_MOST_RETRIES = 100
_FIRST_PORT = 0x8000
_MOST_FILE_NAME = 256
_ZERO_MAC = MacAddress(bytes(6))


class NetworkArguments(NamedTuple):
    """What stands behind the colon of a network's device specifier."""

    server: IPv4Address = NOWHERE
    file: str = ""
    client: IPv4Address = NOWHERE
    bootp_retries: int = USUAL_RETRIES
    tftp_retries: int = USUAL_RETRIES
    block_size: int = MOST_BLOCK


class NetworkProgram(NamedTuple):
    """A file that was loaded; `arguments` say where from, `reply` is the BOOTP message."""

    image: bytes
    arguments: str
    reply: bytes


def parse_network_arguments(text: str) -> NetworkArguments:
    """Raises `DeviceError`."""
    words = [word for word in text.split(",") if "=" not in word]
    if words and words[0] in PROTOCOLS:
        del words[0]
    if len(words) > 8:
        raise DeviceError(f"{text!r}: eight arguments at most")
    server, file, client, gateway, *numbers = (words + [""] * 8)[:8]
    _address(gateway)
    if numbers[2]:
        _address(numbers[2])
    if len(file) > _MOST_FILE_NAME:
        raise DeviceError(f"a file's name of {len(file)} characters")
    return NetworkArguments(
        _address(server),
        file.replace("\\", "/"),
        _address(client),
        _number(numbers[0], USUAL_RETRIES, 0, _MOST_RETRIES),
        _number(numbers[1], USUAL_RETRIES, 0, _MOST_RETRIES),
        min(_number(numbers[3], MOST_BLOCK, LEAST_BLOCK, 65464), MOST_BLOCK),
    )


def _address(word: str) -> IPv4Address:
    try:
        return IPv4Address(word) if word else NOWHERE
    except AddressValueError:
        raise DeviceError(f"{word!r} is no address such as 192.168.128.1") from None


def _number(word: str, usual: int, least: int, most: int) -> int:
    if not word:
        return usual
    if not (word.isascii() and word.isdecimal() and len(word) < 6 and least <= int(word) <= most):
        raise DeviceError(f"{word!r}: a number from {least} to {most} was expected")
    return int(word)


def load(device: NetworkDevice, arguments: NetworkArguments, limit: int) -> NetworkProgram:
    """The file that a server gives, at most `limit` bytes; raises `DeviceError`."""
    device.open()
    try:
        return _Client(device, arguments).load(limit)
    finally:
        device.close()


class _Client:
    def __init__(self, device: NetworkDevice, arguments: NetworkArguments) -> None:
        self._device, self._arguments = device, arguments
        self._mac = MacAddress(device.mac)
        self._address = arguments.client
        self._server, self._file = arguments.server, arguments.file

    def load(self, limit: int) -> NetworkProgram:
        reply = b""
        if NOWHERE in (self._address, self._server):
            reply = self._ask_for_address()
        if not self._file:
            raise DeviceError("the server names no file, and none was asked for")
        server_mac = self._server_mac()
        image = self._transfer(server_mac, limit)
        return NetworkProgram(image, f"{self._server},{self._file}", reply)

    def _ask_for_address(self) -> bytes:
        transaction = int.from_bytes(self._mac[2:], "big")
        question = bootp.Message(
            reply=False, transaction=transaction, mac=self._mac, file=self._file
        )
        nobody = (NOWHERE, bootp.CLIENT_PORT, EVERYBODY, bootp.SERVER_PORT)
        frame = Datagram(self._mac, BROADCAST, *nobody, question.packed()).frame()

        def answer(data: bytes) -> bytes | None:
            datagram = parse_datagram(data)
            if datagram is None or datagram.port != bootp.CLIENT_PORT:
                return None
            its = bootp.parse(datagram.payload)
            mine = its is not None and (its.reply, its.transaction) == (True, transaction)
            return datagram.payload if mine else None

        payload = self._exchange(frame, answer, self._arguments.bootp_retries)
        if payload is None:
            raise DeviceError("no BOOTP server answers in its VLAN")
        reply = bootp.parse(payload)
        assert reply is not None
        self._address = reply.given
        self._server = self._server if self._server != NOWHERE else reply.server
        self._file = self._file or reply.file
        return payload

    def _server_mac(self) -> MacAddress:
        question = Arp(False, self._mac, self._address, _ZERO_MAC, self._server)

        def answer(data: bytes) -> MacAddress | None:
            arp = parse_arp(data)
            found = arp is not None and arp.reply and arp.address == self._server
            return arp.mac if found and arp is not None else None

        mac = self._exchange(question.frame(), answer, self._arguments.bootp_retries)
        if mac is None:
            raise DeviceError(f"{self._server} does not answer in its VLAN")
        return mac

    def _transfer(self, mac: MacAddress, limit: int) -> bytes:
        """The file, block by block; each acknowledgement asks for the next one."""
        its = _Transfer(self._file, self._arguments.block_size, limit)
        server_port, message = PORT, its.request()
        while True:
            ours, server = (self._address, _FIRST_PORT), (self._server, server_port)
            frame = Datagram(self._mac, mac, *ours, *server, message).frame()

            def answer(data: bytes, port: int = server_port) -> Datagram | None:
                datagram = parse_datagram(data)
                right = (
                    datagram is not None
                    and (datagram.source, datagram.port) == (self._server, _FIRST_PORT)
                    and port in (PORT, datagram.source_port)
                )
                return datagram if right and its.expects(datagram) else None

            datagram = self._exchange(frame, answer, self._arguments.tftp_retries)
            if datagram is None:
                raise DeviceError(f"{self._server} does not send {self._file} to its end")
            server_port, message = datagram.source_port, its.take(datagram.payload)
            if its.done:
                last = Datagram(self._mac, mac, *ours, self._server, server_port, message)
                self._device.send(last.frame())
                return bytes(its.content)

    def _exchange(
        self, frame: bytes, accept: Callable[[bytes], AnswerT | None], retries: int
    ) -> AnswerT | None:
        """Send until something comes that `accept` takes; it sends so often again."""
        for _ in range(retries + 1):
            self._device.send(frame)
            for data in self._received():
                if (answer := accept(data)) is not None:
                    return answer
        return None

    def _received(self) -> Iterator[bytes]:
        while (data := self._device.receive()) is not None:
            yield data


class _Transfer:
    """The client's side of a transfer: what to ask, what may come, what has come."""

    def __init__(self, file: str, block_size: int, limit: int) -> None:
        self._file, self._wanted, self._limit = file, block_size, limit
        self._block_size = USUAL_BLOCK
        self._block = 0
        self.content = bytearray()
        self.done = False

    def request(self) -> bytes:
        words = [self._file, "octet", "tsize", "0"]
        if self._wanted != USUAL_BLOCK:
            words += ["blksize", str(self._wanted)]
        listed = b"".join(word.encode("utf-8", "replace") + b"\0" for word in words)
        return struct.pack(">H", Operation.READ) + listed

    def expects(self, datagram: Datagram | None) -> bool:
        """Whether a message is the next one, and not one that has come before."""
        if datagram is None or len(datagram.payload) < 2:
            return False
        kind = int.from_bytes(datagram.payload[:2], "big")
        if kind == Operation.DATA and len(datagram.payload) >= 4:
            return int.from_bytes(datagram.payload[2:4], "big") == self._block + 1 & 0xFFFF
        return kind == Operation.ERROR or (kind == Operation.OPTIONS and not self._block)

    def take(self, payload: bytes) -> bytes:
        """Take the next message; gives the acknowledgement.  Raises `DeviceError`."""
        kind = int.from_bytes(payload[:2], "big")
        if kind == Operation.ERROR:
            words = payload[4:].split(b"\0")[0].decode("utf-8", "replace")
            raise DeviceError(f"the server refuses {self._file}: {words}")
        if kind == Operation.OPTIONS:
            self._agree(payload[2:])
        else:
            data = payload[4:]
            if len(data) > self._block_size:
                raise DeviceError(f"the server sends blocks of {len(data)} bytes")
            self._fits(len(self.content) + len(data))
            self.content += data
            self._block += 1
            self.done = len(data) < self._block_size
        return struct.pack(">HH", Operation.ACKNOWLEDGE, self._block & 0xFFFF)

    def _agree(self, options: bytes) -> None:
        words = options.decode("latin-1").split("\0")
        agreed = dict(zip(words[::2], words[1::2], strict=False))
        self._block_size = _number(agreed.get("blksize", ""), USUAL_BLOCK, 1, self._wanted)
        size = agreed.get("tsize", "")
        if size.isascii() and size.isdecimal() and len(size) < 20:
            self._fits(int(size))

    def _fits(self, size: int) -> None:
        if size > self._limit:
            raise DeviceError(f"{self._file} has {size} bytes: at most {self._limit} are loaded")
