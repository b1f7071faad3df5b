"""The keys of Ethernet adapters and of ways to the outside."""

from __future__ import annotations

from hypervisor.network.boot_server import USUAL_ADDRESS
from hypervisor.network.shared_ethernet import DEFAULT_TRUNK_PRIORITY
from hypervisor.network.switch import (
    DEFAULT_SWITCH,
    DEFAULT_VLAN,
    HIGHEST_PRIORITY,
    HIGHEST_VLAN,
)
from pyphyp.boot_files import GRUB_IMAGE
from pyphyp.outside.words import FORWARD_WORDS

from .kinds import Several, Text, Whole
from .tables import Key, Table

ETHERNET = Table(
    "ethernet",
    "A virtual Ethernet adapter of a partition.",
    (
        Key("switch", Text(), "The virtual switch it is plugged into.", f'`"{DEFAULT_SWITCH}"`'),
        Key(
            "vlan",
            Whole(1, HIGHEST_VLAN),
            "The port's VLAN, whose frames carry no tag.",
            str(DEFAULT_VLAN),
        ),
        Key("more_vlans", Several(Whole(1, HIGHEST_VLAN)), "Further ones, with tags.", "none"),
        Key(
            "trunk_priority",
            Whole(1, HIGHEST_PRIORITY),
            "Makes it a trunk: of those the one with the lowest number gets what nobody has; in a "
            "lan, all of them.",
            "no trunk",
        ),
        Key(
            "mac",
            Text("an address such as 0a:00:00:00:00:01"),
            "Its address.",
            "follows from the machine's serial number, the partition's and the slot",
        ),
        Key(
            "allowed_macs",
            Several(Text("an address such as 0a:00:00:00:00:01")),
            "Addresses its guest may take instead, up to four; frames then bear the adapter's "
            "alone. An empty list allows none.",
            "any address",
        ),
    ),
)

BOOT_SERVER = Table(
    "boot_server",
    "A boot server of the machine's own (BOOTP, DHCP, TFTP), which partitions boot from that have "
    "an Ethernet adapter in its VLAN.",
    (
        Key(
            "directory",
            Text("a directory's name"),
            "What it gives out.",
            stands_in=".",
            required=True,
        ),
        Key(
            "file",
            Text("a file's name, relative to the directory"),
            "The program of partitions that ask for none: a kernel, or a boot loader.",
            f'`"{GRUB_IMAGE}"`, which grub-mknetdir makes',
        ),
        Key("switch", Text(), "The virtual switch.", f'`"{DEFAULT_SWITCH}"`'),
        Key("vlan", Whole(1, HIGHEST_VLAN), "Its VLAN.", str(DEFAULT_VLAN)),
        Key(
            "address",
            Text("an address with the length of its network's prefix"),
            "Its address; its clients get those behind it.",
            f'`"{USUAL_ADDRESS}"`',
        ),
    ),
)

_SWITCH = Key("switch", Text(), "The virtual switch.", f'`"{DEFAULT_SWITCH}"`')
_CAPTURE = Key(
    "pcap", Text("a file's name"), "A file that keeps all frames, for Wireshark.", "none"
)
_FORWARD = Key(
    "forward",
    Several(Text(FORWARD_WORDS)),
    "With nat: ports of the host, and those of guests that they lead to; "
    "`tcp:2222:22`, for example.",
    "none",
)

VIOS_ETHERNET = Table(
    "ethernet",
    "A virtual Ethernet adapter of a Virtual I/O Server: a trunk that `mkvdev -sea` bridges, or a "
    "control channel's.",
    (
        _SWITCH,
        Key("vlan", Whole(1, HIGHEST_VLAN), "The VLAN without tags.", str(DEFAULT_VLAN)),
        Key("more_vlans", Several(Whole(1, HIGHEST_VLAN)), "Further ones, with tags.", "none"),
        Key(
            "trunk_priority",
            Whole(1, HIGHEST_PRIORITY),
            "Makes it a trunk: of several servers the one with the lowest number bridges.",
            "no trunk",
        ),
    ),
)

LAN = Table(
    "lan",
    "A network outside the machine, which physical Ethernet adapters of Virtual I/O Servers are "
    "cabled to (`lans`), and a partition's adapter whose `switch` it is.",
    (
        Key("name", Text(), "Its name.", stands_in="?", required=True),
        Key(
            "outside",
            Text("`nat`, `tap:NAME` or `pcap:FILE`"),
            "Where it leads, as a way to the outside does.",
            "nowhere",
        ),
        _FORWARD,
        _CAPTURE,
    ),
)

SHARED_ETHERNET = Table(
    "shared_ethernet",
    "A way from a virtual switch to the outside: a trunk of the switch, as a Shared Ethernet "
    "Adapter's.",
    (
        Key(
            "outside",
            Text("`nat`, `tap:NAME` or `pcap:FILE`"),
            "Where it leads: to the host's networks by address translation in user mode (nat), to "
            "a TAP device of the host, or to nobody but a file that keeps what is sent.",
            stands_in="nat",
            required=True,
        ),
        _FORWARD,
        _CAPTURE,
        _SWITCH,
        Key("vlan", Whole(1, HIGHEST_VLAN), "The VLAN without tags.", str(DEFAULT_VLAN)),
        Key("more_vlans", Several(Whole(1, HIGHEST_VLAN)), "Further ones; nat has none.", "none"),
        Key(
            "trunk_priority",
            Whole(1, HIGHEST_PRIORITY),
            "Of several ways of a VLAN the one with the lowest number is taken.",
            str(DEFAULT_TRUNK_PRIORITY),
        ),
    ),
)
