"""The process that translates addresses: libslirp between a socket and the host's own sockets.

    python slirp.py DESCRIPTOR FORWARDS

Each message at the socket is an Ethernet frame; before them goes one that says "ready", or why it
cannot be.  libslirp may be led astray by what a guest sends, and ends its process when it finds an
error of its own; so it has one to itself, which holds nothing else and ends with its socket.
This file imports nothing of ours, and runs by its path.
"""

from __future__ import annotations

import json
import resource
import select
import socket
import sys
import time
from ipaddress import IPv4Address
from typing import Any

from cffi import FFI

READY = b"ready"
_LIBRARY = "libslirp.so.0"
_MISSING = "nat needs libslirp, which is not installed (Debian: apt install libslirp0)"
_NETWORK, _MASK = "10.0.2.0", "255.255.255.0"
_HOST, _FIRST, _NAMES = "10.0.2.2", "10.0.2.15", "10.0.2.3"
_MOST_FILES, _MOST_STORAGE = 1024, 2 << 30
_AT_ONCE = 64
"""Frames taken from the machine before the host's sockets are looked at again."""
_LONGEST = 1 << 17
_FOR_EVER = 0xFFFFFFFF
_IN, _OUT, _URGENT, _ERROR, _HUNG_UP = 1, 2, 4, 8, 16
_BITS = (
    (_IN, select.POLLIN),
    (_OUT, select.POLLOUT),
    (_URGENT, select.POLLPRI),
    (_ERROR, select.POLLERR),
    (_HUNG_UP, select.POLLHUP),
)
_DECLARATIONS = """
typedef struct Slirp Slirp;
struct in_addr { uint32_t s_addr; };
struct in6_addr { uint8_t s6_addr[16]; };
typedef struct {
    ssize_t (*send_packet)(const void *, size_t, void *);
    void (*guest_error)(const char *, void *);
    int64_t (*clock_get_ns)(void *);
    void *(*timer_new)(void *, void *, void *);
    void (*timer_free)(void *, void *);
    void (*timer_mod)(void *, int64_t, void *);
    void (*register_poll_fd)(int, void *);
    void (*unregister_poll_fd)(int, void *);
    void (*notify)(void *);
} Callbacks;
typedef struct {
    uint32_t version;
    int restricted;
    bool in_enabled;
    struct in_addr vnetwork, vnetmask, vhost;
    bool in6_enabled;
    struct in6_addr vprefix_addr6;
    uint8_t vprefix_len;
    struct in6_addr vhost6;
    const char *vhostname, *tftp_server_name, *tftp_path, *bootfile;
    struct in_addr vdhcp_start, vnameserver;
    struct in6_addr vnameserver6;
    const char **vdnssearch;
    const char *vdomainname;
    size_t if_mtu, if_mru;
    bool disable_host_loopback, enable_emu;
} Config;
Slirp *slirp_new(const Config *, const Callbacks *, void *);
void slirp_pollfds_fill(Slirp *, uint32_t *, int (*)(int, int, void *), void *);
void slirp_pollfds_poll(Slirp *, int, int (*)(int, void *), void *);
void slirp_input(Slirp *, const uint8_t *, int);
int slirp_add_hostfwd(Slirp *, int, struct in_addr, int, struct in_addr, int);
"""


class UnavailableError(Exception):
    """There can be no translation; why."""


class Translator:
    """libslirp, and the machine at `machine`."""

    def __init__(self, machine: socket.socket, forwards: list[list[Any]]) -> None:
        self._machine = machine
        self._over = False
        self._ffi = FFI()
        self._ffi.cdef(_DECLARATIONS)
        try:
            self._library: Any = self._ffi.dlopen(_LIBRARY)
        except OSError:
            raise UnavailableError(_MISSING) from None
        self._keep = self._callbacks()
        self._add = self._ffi.callback("int(int, int, void *)", self._add_descriptor)
        self._tell = self._ffi.callback("int(int, void *)", self._events_of)
        self._watched: list[tuple[int, int]] = []
        self._ready: dict[int, int] = {}
        config = self._ffi.new("Config *")
        config.version, config.in_enabled = 1, True
        for name, value in (
            ("vnetwork", _NETWORK),
            ("vnetmask", _MASK),
            ("vhost", _HOST),
            ("vdhcp_start", _FIRST),
            ("vnameserver", _NAMES),
        ):
            setattr(config, name, self._address(value)[0])
        self._slirp = self._library.slirp_new(config, self._keep, self._ffi.NULL)
        if self._slirp == self._ffi.NULL:
            raise UnavailableError("libslirp refuses to begin")
        for forward in forwards:
            self._forward(*forward)

    def _callbacks(self) -> Any:
        given = self._ffi.new("Callbacks *")
        self._functions = {
            "send_packet": ("ssize_t(const void *, size_t, void *)", self._to_machine),
            "guest_error": ("void(const char *, void *)", lambda *_: None),
            "clock_get_ns": ("int64_t(void *)", lambda _: time.monotonic_ns()),
            "timer_new": ("void *(void *, void *, void *)", lambda *_: self._ffi.NULL),
            "timer_free": ("void(void *, void *)", lambda *_: None),
            "timer_mod": ("void(void *, int64_t, void *)", lambda *_: None),
            "register_poll_fd": ("void(int, void *)", lambda *_: None),
            "unregister_poll_fd": ("void(int, void *)", lambda *_: None),
            "notify": ("void(void *)", lambda _: None),
        }
        self._kept = {
            name: self._ffi.callback(kind, function)
            for name, (kind, function) in self._functions.items()
        }
        for name, function in self._kept.items():
            setattr(given, name, function)
        return given

    def _address(self, text: str) -> Any:
        address = self._ffi.new("struct in_addr *")
        address.s_addr = int.from_bytes(IPv4Address(text).packed, sys.byteorder)
        return address

    def _forward(self, transport: str, host: str, port: int, guest: str, guest_port: int) -> None:
        where = self._address(host)[0], port, self._address(guest)[0], guest_port
        if self._library.slirp_add_hostfwd(self._slirp, int(transport == "udp"), *where):
            raise UnavailableError(
                f"{transport} port {port} of {host} cannot be forwarded: it is in use, or not yours"
            )

    # -- frames ----------------------------------------------------------------------------

    def _to_machine(self, frame: Any, length: int, _: Any) -> int:
        """Waits while the machine takes none: so the host's senders wait, too."""
        try:
            self._machine.send(self._ffi.buffer(frame, length))
        except OSError:  # the machine is gone
            self._over = True
            return -1
        return length

    def _from_machine(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                frame = self._machine.recv(_LONGEST, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                frame = b""
            if not frame:
                self._over = True
                return
            self._library.slirp_input(self._slirp, frame, len(frame))

    # -- the host's sockets ----------------------------------------------------------------

    def _add_descriptor(self, descriptor: int, events: int, _: Any) -> int:
        mask = sum(poll for bit, poll in _BITS[:3] if events & bit)
        self._watched.append((descriptor, mask))
        return len(self._watched) - 1

    def _events_of(self, index: int, _: Any) -> int:
        descriptor, mask = self._watched[index]
        ready = self._ready.get(descriptor, 0) & (mask | select.POLLERR | select.POLLHUP)
        return sum(bit for bit, poll in _BITS if ready & poll)

    def run(self) -> None:
        """Translate until the machine is gone."""
        limit = self._ffi.new("uint32_t *")
        while not self._over:
            self._watched.clear()
            limit[0] = _FOR_EVER
            self._library.slirp_pollfds_fill(self._slirp, limit, self._add, self._ffi.NULL)
            waiting = select.poll()
            masks: dict[int, int] = {self._machine.fileno(): select.POLLIN}
            for descriptor, mask in self._watched:
                masks[descriptor] = masks.get(descriptor, 0) | mask
            for descriptor, mask in masks.items():
                waiting.register(descriptor, mask)
            self._ready = dict(waiting.poll(None if limit[0] == _FOR_EVER else limit[0]))
            self._library.slirp_pollfds_poll(self._slirp, 0, self._tell, self._ffi.NULL)
            if self._machine.fileno() in self._ready:
                self._from_machine()


def main(descriptor: str, forwards: str) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MOST_FILES, _MOST_FILES))
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_STORAGE, _MOST_STORAGE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with socket.socket(fileno=int(descriptor)) as machine:
        machine.setblocking(True)
        try:
            translator = Translator(machine, json.loads(forwards))
        except UnavailableError as wrong:
            machine.send(str(wrong).encode())
            return
        machine.send(READY)
        translator.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
