"""The machine's own boot server: it says which program a client boots, and gives it out.

It answers BOOTP and DHCP, ARP for its address, and TFTP.  A client's address follows from the
order in which clients were expected or asked.  Nothing it does takes time, so firmware, which has
nobody to wait for it, is answered within the call by which it sends.
"""

from __future__ import annotations

import threading
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING

from emu.values import frozen

from . import bootp
from .frame import BROADCAST, Frame, MacAddress
from .ip import EVERYBODY, NOWHERE, Arp, Datagram, parse_arp, parse_datagram
from .offload import finished
from .switch import DEFAULT_SWITCH, DEFAULT_VLAN, PortSettings
from .tftp import PORT, Peer, TftpServer

if TYPE_CHECKING:
    from pathlib import Path

    from .tftp import Files

USUAL_ADDRESS = IPv4Interface("192.168.128.1/24")
_FIRST_CLIENT = 10
_MOST_CLIENTS = 4096
_LEASE_SECONDS = 7 * 24 * 3600
_LOCAL_ADDRESS = 0x02
"""Of a MAC address' first byte: nobody has bought it."""
_REPLIES: dict[int, int] = {
    bootp.Kind.DISCOVER: bootp.Kind.OFFER,
    bootp.Kind.REQUEST: bootp.Kind.ACK,
}


@frozen
class BootService:
    """A boot server: what it gives out, the program of clients who ask for none, its place."""

    directory: Path
    file: str = ""
    switch: str = DEFAULT_SWITCH
    vlan: int = DEFAULT_VLAN
    address: IPv4Interface = USUAL_ADDRESS

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be."""
        if self.address.network.num_addresses < 8:
            raise ValueError(f"{self.address}: a network with room for clients is needed")
        if len(self.file.encode()) > bootp.FILE_BYTES:
            raise ValueError(f"{self.file}: {bootp.FILE_BYTES} bytes at most")
        _ = self.settings

    @property
    def settings(self) -> PortSettings:
        return PortSettings(self.vlan)


class BootServer:
    """Answers frames; callable from several threads."""

    def __init__(self, service: BootService, files: Files) -> None:
        self.service = service
        self._tftp = TftpServer(files)
        self._leases: dict[bytes, IPv4Address] = {}
        self._lock = threading.Lock()
        ours = service.address.ip
        self.mac = MacAddress(bytes([_LOCAL_ADDRESS, 0]) + ours.packed)

    @property
    def leases(self) -> dict[bytes, IPv4Address]:
        """Addresses of clients, by theirs of Ethernet."""
        return dict(self._leases)

    def expect(self, mac: bytes) -> None:
        """A client will come: it has its address before others ask."""
        with self._lock:
            self._lease(mac)

    def meant(self, frame: Frame) -> bool:
        """Whether a frame is for it alone: to its address, or a question that it answers."""
        if frame.destination == self.mac:
            return True
        if not frame.to_many:
            return False
        if (arp := parse_arp(frame.data)) is not None:
            return arp.target == self.service.address.ip
        datagram = parse_datagram(frame.data)
        return datagram is not None and datagram.port == bootp.SERVER_PORT

    def answer(self, frame: Frame) -> list[Frame]:
        """What it says to a frame, untagged."""
        with self._lock:
            answers = [self._answer(piece.data) for piece in finished(frame)]
        return [Frame.of(data) for data in answers if data is not None]

    def close(self) -> None:
        with self._lock:
            self._tftp.close()

    def _answer(self, data: bytes) -> bytes | None:
        ours = self.service.address.ip
        if (arp := parse_arp(data)) is not None:
            if arp.reply or arp.target != ours:
                return None
            return Arp(True, self.mac, ours, arp.mac, arp.address).frame()
        if (datagram := parse_datagram(data)) is None:
            return None
        if datagram.port == bootp.SERVER_PORT:
            return self._bootp(datagram)
        if datagram.destination != ours or datagram.source in (NOWHERE, EVERYBODY):
            return None
        return self._transfer(datagram)

    def _transfer(self, datagram: Datagram) -> bytes | None:
        source = datagram.source
        peer = Peer(datagram.source_mac, source.packed, datagram.source_port)
        if datagram.port != PORT and not self._tftp.has(datagram.port):
            return None
        if (answer := self._tftp.answer(peer, datagram.port, datagram.payload)) is None:
            return None
        port, payload = answer
        to = (source, datagram.source_port)
        ours = (self.service.address.ip, port)
        return Datagram(self.mac, datagram.source_mac, *ours, *to, payload).frame()

    def _bootp(self, datagram: Datagram) -> bytes | None:
        asked = bootp.parse(datagram.payload)
        if asked is None or asked.reply or asked.relay != NOWHERE:
            return None
        service = self.service
        ours = service.address.ip
        if asked.options.get(bootp.Option.SERVER, ours.packed) != ours.packed:
            return None  # it has chosen another server
        options = {}
        if asked.kind:
            if (kind := _REPLIES.get(asked.kind)) is None:
                return None
            options[int(bootp.Option.KIND)] = bytes([kind])
            options[int(bootp.Option.SERVER)] = ours.packed
            options[int(bootp.Option.LEASE)] = _LEASE_SECONDS.to_bytes(4, "big")
        options[int(bootp.Option.MASK)] = service.address.netmask.packed
        if (given := self._lease(asked.mac)) is None:
            return None
        if asked.kind == bootp.Kind.REQUEST and asked.wanted not in (NOWHERE, given):
            options[int(bootp.Option.KIND)] = bytes([bootp.Kind.NAK])
            given = NOWHERE
        reply = bootp.Message(
            reply=True,
            transaction=asked.transaction,
            mac=asked.mac,
            file=asked.file or service.file,
            client=asked.client,
            given=given,
            server=ours,
            broadcast=asked.broadcast,
            options=options,
        )
        to_all = asked.broadcast or given == NOWHERE
        to = (EVERYBODY if to_all else given, bootp.CLIENT_PORT)
        mac = BROADCAST if to_all else MacAddress(asked.mac)
        return Datagram(self.mac, mac, ours, bootp.SERVER_PORT, *to, reply.packed()).frame()

    def _lease(self, mac: bytes) -> IPv4Address | None:
        """An address of the network; None where all are given out."""
        if mac not in self._leases:
            network = self.service.address.network
            taken = len(self._leases)
            number = min(_FIRST_CLIENT, network.num_addresses // 2) + taken
            address = network.network_address + number
            if address == self.service.address.ip:
                address = network.network_address + 1
            if taken >= _MOST_CLIENTS or address >= network.broadcast_address:
                return None
            self._leases[mac] = address
        return self._leases[mac]
