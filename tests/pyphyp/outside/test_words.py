"""Ways to the outside in words."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from hypervisor.network.shared_ethernet import (
    Forward,
    Nat,
    Nobody,
    SharedEthernet,
    Tap,
    Transport,
)
from pyphyp.outside.words import forward, shared_ethernet


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("nat", SharedEthernet(Nat())),
        ("tap:tap0", SharedEthernet(Tap("tap0"))),
        ("pcap:a.pcap", SharedEthernet(Nobody(), capture=Path("a.pcap"))),
        ("tap:tap0,pcap=a", SharedEthernet(Tap("tap0"), capture=Path("a"))),
        (
            "nat,forward=2222:22,forward=udp:53:53",
            SharedEthernet(Nat((Forward(2222, 22), Forward(53, 53, Transport.UDP)))),
        ),
    ],
)
def test_words_mean(text: str, meant: SharedEthernet) -> None:
    assert shared_ethernet(text) == meant


def test_a_forward_names_addresses_of_host_and_guest() -> None:
    host, guest = IPv4Address("0.0.0.0"), IPv4Address("10.0.2.16")
    meant = Forward(80, 8080, Transport.TCP, host, guest)
    assert forward("tcp:0.0.0.0:80:10.0.2.16:8080") == meant


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nut", "nat, tap:NAME or pcap:FILE would"),
        ("nat:x", "leads nowhere"),
        ("tap:", "leads nowhere"),
        ("tap:a/b", "no name of a network device"),
        ("tap:sixteen-letters-", "no name of a network device"),
        ("nat,forward=22", "tcp:2222:22, for example|such as tcp:2222:22"),
        ("nat,forward=1.2.3:1:2", "forwards nothing"),
        ("nat,forward=0:22", "port 0: 1 to 65535"),
        ("nat,forward=1:22,forward=1:23", "port 1 of the host is forwarded twice"),
        ("nat,restrict=on", "are possible"),
        ("tap:a,forward=1:2", "forward goes with nat"),
        ("pcap:a,pcap=b", "one file"),
    ],
)
def test_other_words_are_refused_with_what_would_be_right(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        shared_ethernet(text)
