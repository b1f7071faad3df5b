"""Debian partitions and the host's network: DHCP, HTTP, ssh, and what a capture shows of it."""

from __future__ import annotations

import hashlib
import http.server
import socket
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.pyphyp.outside.test_uplink import shown
from tests.pyphyp.terminal import PATIENCE, PYPHYP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.linux

LEASE = "udhcpc -q -n -i eth0 2>&1; "
COMPLAINTS = "; dmesg -r | grep '^<[0-4]>'"
PAGE = bytes(range(256)) * 4096
"""A mebibyte."""


class _Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def http_server() -> Iterator[int]:
    """A server on the loopback; its port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def linux(command: str, *options: str) -> list[str]:
    given = ("--host-timeout", str(PATIENCE), "-c", command)
    return [*PYPHYP, "linux", *given, *options]


def run(command: str, *options: str) -> str:
    done = subprocess.run(
        linux(command, *options),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.replace("\r", "")


def test_a_page_is_fetched_from_the_host_s_loopback_by_a_leased_address(tmp_path: Path) -> None:
    capture = tmp_path / "nat.pcap"
    with http_server() as port:
        fetch = f"wget -q -O /page http://10.0.2.2:{port}/; sha256sum /page; ip -4 addr show eth0"
        said = run(LEASE + fetch + COMPLAINTS, "--net", f"nat,pcap={capture}")
    assert "lease of 10.0.2.15 obtained from 10.0.2.2" in said
    assert "inet 10.0.2.15/24" in said
    assert hashlib.sha256(PAGE).hexdigest() in said
    statuses = shown(capture, "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status")
    assert len(statuses) > 700
    assert {status for frame in statuses for status in frame} <= {"", "1"}


def test_ssh_from_the_host_reaches_the_guest_through_a_forwarded_port(tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    home = tmp_path / "files" / "root" / ".ssh"
    home.mkdir(parents=True, mode=0o700)
    (home / "authorized_keys").write_text(key.with_suffix(".pub").read_text())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = (
        "mkdir -p /etc/dropbear /run; echo root:x:0:0:root:/root:/bin/sh >/etc/passwd;"
        "echo /bin/sh >/etc/shells; chmod 700 /root /root/.ssh;"
        f"{LEASE} dropbear -F -R -E -P /run/d >/dev/console 2>&1 & "
        "while [ ! -e /done ]; do sleep 1; done"
    )
    command = linux(
        serve,
        *("--net", f"nat,forward=tcp:{port}:22", "--package", "dropbear-bin"),
        *("--initrd-add", str(tmp_path / "files")),
    )
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as guest:
        client = subprocess.run(
            [
                *("ssh", "-i", key, "-p", str(port), "-F", "none", "-o", "BatchMode=yes"),
                *("-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={tmp_path}/known"),
                *("-o", "ConnectTimeout=100", "-o", "ConnectionAttempts=60"),
                *("root@127.0.0.1", "uname -m; touch /done"),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * PATIENCE,
        )
        said = guest.communicate(timeout=PATIENCE)[0].decode(errors="replace")
    assert client.stdout == "ppc64le\n", client.stderr + said
    assert guest.returncode == 0, said


def test_a_run_with_nobody_outside_is_repeated_to_the_byte(tmp_path: Path) -> None:
    ping = "ip addr add 10.0.0.1/24 dev eth0; ip link set eth0 up; ping -c 2 -W 1 10.0.0.2"
    files = [tmp_path / "one.pcap", tmp_path / "two.pcap"]
    said = [run(ping, "--net", f"pcap:{file}", "--epoch", "0") for file in files]
    assert said[0] == said[1]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert ["1"] in shown(files[0], "arp.opcode")
