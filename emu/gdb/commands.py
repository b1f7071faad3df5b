"""What each packet of the debugger asks of a target, and the answer.

Requests are validated here and refused with E and a number (errno's) where they make no sense;
none changes more than it says, and reading storage has no effects on the guest.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from emu.debugging import TooManyStopsError, Watched
from emu.exits import StopKind
from emu.translation import Access

from .description import REGISTER_BYTES, REGISTERS, target_description
from .packets import LARGEST
from .target import Leaving, RefusedError, Resumption, number, span

if TYPE_CHECKING:
    from collections.abc import Callable

    from emu.exits import DebugStop
    from emu.registers import Registers

    from .target import Target

_PAGE = 4096
_FEATURES = (
    f"PacketSize={LARGEST:x};qXfer:features:read+;QStartNoAckMode+;vContSupported+;"
    "hwbreak+;swbreak+"
)
_WATCH_NAMES = {
    StopKind.WATCH_STORE: "watch",
    StopKind.WATCH_LOAD: "rwatch",
    StopKind.WATCH_ACCESS: "awatch",
}
_WATCHED = {"2": Watched.STORES, "3": Watched.LOADS, "4": Watched.LOADS | Watched.STORES}
_MOST_TEXT = 1 << 16
_SIGNAL_TRAP = 5


Reply = bytes | Resumption | Leaving


class Commands:
    """The debugger's side of a target: its breakpoints, and the threads it talks about."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._general = self._stepped = 0
        self._stops: set[tuple[str, int, int]] = set()
        self.last_stop = b"S05"
        self.acknowledges = True
        self._by_letter: dict[str, Callable[[str], Reply]] = {
            "?": lambda rest: self.last_stop,
            "g": self._read_registers,
            "G": self._write_registers,
            "p": self._read_register,
            "P": self._write_register,
            "m": self._read_memory,
            "M": self._write_memory,
            "H": self._choose_thread,
            "T": self._thread_alive,
            "Z": self._insert,
            "z": self._remove,
            "c": self._continue,
            "C": lambda rest: self._continue(rest.partition(";")[2]),
            "s": self._step,
            "S": lambda rest: self._step(rest.partition(";")[2]),
            "D": lambda rest: Leaving.DETACHED,
            "k": lambda rest: Leaving.KILLED,
        }
        self._by_name: dict[str, Callable[[str], Reply]] = {
            "vCont?": lambda rest: b"vCont;c;C;s;S",
            "vCont": self._resume,
            "vKill": lambda rest: Leaving.KILLED,
            "qSupported": lambda rest: _FEATURES.encode(),
            "QStartNoAckMode": self._stop_acknowledging,
            "qAttached": lambda rest: b"1",
            "qC": lambda rest: b"QC%x" % (self._general + 1),
            "qfThreadInfo": self._list_threads,
            "qsThreadInfo": lambda rest: b"l",
            "qThreadExtraInfo": self._describe_thread,
            "qSymbol": lambda rest: b"OK",
            "qXfer": self._transfer,
            "qRcmd": self._monitor,
        }

    # -- dispatch --------------------------------------------------------------------------

    def answer(self, packet: bytes) -> Reply:
        """The reply to a packet's data; empty where it is of a kind we do not know."""
        try:
            if packet[:1] == b"X":
                return self._write_binary(packet[1:])
            return self._dispatch(packet.decode("ascii"))
        except RefusedError as refused:
            return b"E%02x" % refused.code
        except (ValueError, OverflowError):  # numbers and texts that are none
            return b"E%02x" % errno.EINVAL

    def _dispatch(self, text: str) -> Reply:
        if text[:1] in "vqQ":
            name = text
            for end, character in enumerate(text):
                if character in ":;,":
                    name = text[:end]
                    break
            handler, rest = self._by_name.get(name), text[len(name) + 1 :]
        else:
            handler, rest = self._by_letter.get(text[:1]), text[1:]
        return b"" if handler is None else handler(rest)

    def _stop_acknowledging(self, rest: str) -> bytes:
        self.acknowledges = False
        return b"OK"

    # -- stops -----------------------------------------------------------------------------

    def stopped(self, processor: int, stop: DebugStop | None, signal: int = _SIGNAL_TRAP) -> bytes:
        """The stop reply; from here on the debugger talks about that processor."""
        self._general = self._stepped = processor
        reply = f"T{signal:02x}thread:{processor + 1:x};"
        match stop.kind if stop else None:
            case StopKind.BREAKPOINT:
                hard = stop is not None and ("1", stop.address, 4) in self._stops
                reply += "hwbreak:;" if hard else "swbreak:;"
            case StopKind() as kind if stop is not None and kind in _WATCH_NAMES:
                reply += f"{_WATCH_NAMES[kind]}:{stop.address:x};"
        self.last_stop = reply.encode()
        return self.last_stop

    def set_stops(self) -> None:
        """Set all breakpoints and watchpoints again, in an engine that is new."""
        for stop in self._stops:
            self._set(*stop)

    def clear_stops(self) -> None:
        self._stops.clear()
        self._target.engine.debugging.clear()

    def _insert(self, rest: str) -> bytes:
        stop = stop_of(rest)
        try:
            self._set(*stop)
        except TooManyStopsError:
            raise RefusedError(errno.ENOSPC) from None
        self._stops.add(stop)
        return b"OK"

    def _set(self, kind: str, address: int, length: int) -> None:
        debugging = self._target.engine.debugging
        if kind in _WATCHED:
            debugging.add_watchpoint(address, length, _WATCHED[kind])
        else:
            debugging.add_breakpoint(address)

    def _remove(self, rest: str) -> bytes:
        kind, address, length = stop_of(rest)
        self._stops.discard((kind, address, length))
        debugging = self._target.engine.debugging
        if kind in _WATCHED:
            debugging.remove_watchpoint(address, length, _WATCHED[kind])
        elif not any(k not in _WATCHED and at == address for k, at, _ in self._stops):
            debugging.remove_breakpoint(address)
        return b"OK"

    # -- threads ---------------------------------------------------------------------------

    def _thread(self, text: str) -> int | None:
        """The processor that a thread id names; None for any or all."""
        number = int(text, 16)
        if number in (0, -1):
            return None
        if not 1 <= number <= self._target.processors:
            raise RefusedError(errno.ESRCH)
        return number - 1

    def _choose_thread(self, rest: str) -> bytes:
        chosen = self._thread(rest[1:])
        if chosen is not None and rest[0] == "g":
            self._general = chosen
        elif chosen is not None:
            self._stepped = chosen
        return b"OK"

    def _thread_alive(self, rest: str) -> bytes:
        self._thread(rest)
        return b"OK"

    def _list_threads(self, rest: str) -> bytes:
        return b"m" + b",".join(b"%x" % (n + 1) for n in range(self._target.processors))

    def _describe_thread(self, rest: str) -> bytes:
        processor = self._thread(rest) or 0
        return self._target.describe(processor).encode().hex().encode()

    # -- running ---------------------------------------------------------------------------

    def _resume(self, rest: str) -> Resumption:
        """vCont: an action for each thread.

        While one processor steps the others have no time to run, whatever is asked of them.
        """
        steps: list[int] = []
        for action in rest.split(";"):
            what, _, thread = action.partition(":")
            if what[:1] not in ("c", "C", "s", "S"):
                raise RefusedError(errno.EINVAL)
            processor = self._thread(thread) if thread else None
            if what[0] in "sS":
                steps.append(self._stepped if processor is None else processor)
        return Resumption(steps[0] if steps else None)

    def _continue(self, rest: str) -> Resumption:
        self._move(rest)
        return Resumption()

    def _step(self, rest: str) -> Resumption:
        self._move(rest)
        return Resumption(self._stepped)

    def _move(self, address: str) -> None:
        if address:
            nip = number(address, 64)
            self._target.engine.select(self._stepped)
            self._target.engine.registers.nip = nip

    # -- registers -------------------------------------------------------------------------

    def _registers(self) -> Registers:
        self._target.engine.select(self._general)
        return self._target.engine.registers

    def _read_registers(self, rest: str) -> bytes:
        registers, order = self._registers(), self._target.byte_order
        return b"".join(register.encode(registers, order) for register in REGISTERS)

    def _write_registers(self, rest: str) -> bytes:
        if len(rest) != 2 * REGISTER_BYTES:
            raise RefusedError(errno.EINVAL)
        at, values = 0, []
        for register in REGISTERS:
            text = rest[at : at + 2 * register.size]
            values.append((register, None if set(text) == {"x"} else bytes.fromhex(text)))
            at += 2 * register.size
        registers = self._registers()
        for register, raw in values:
            if raw is not None:
                register.decode(registers, raw, self._target.byte_order)
        return b"OK"

    def _read_register(self, rest: str) -> bytes:
        found = number(rest, 32)
        if found >= len(REGISTERS):
            raise RefusedError(errno.EINVAL)
        return REGISTERS[found].encode(self._registers(), self._target.byte_order)

    def _write_register(self, rest: str) -> bytes:
        which, _, value = rest.partition("=")
        found = number(which, 32)
        if found >= len(REGISTERS) or REGISTERS[found].write is None:
            raise RefusedError(errno.EINVAL)
        raw = bytes.fromhex(value)
        REGISTERS[found].decode(self._registers(), raw, self._target.byte_order)
        return b"OK"

    # -- storage ---------------------------------------------------------------------------

    def _pieces(self, address: int, length: int) -> list[tuple[int, int]]:
        """Where `length` bytes lie, as real addresses and lengths; ends where translation does."""
        self._target.engine.select(self._general)
        pieces = []
        while length:
            real = self._real(address)
            here = min(length, _PAGE - address % _PAGE)
            if real is None or not self._target.memory.contains(real, here):
                break
            pieces.append((real, here))
            address, length = (address + here) % 2**64, length - here
        return pieces

    def _real(self, address: int) -> int | None:
        for access in (Access.LOAD, Access.FETCH):
            if (real := self._target.engine.translate(address, access)) is not None:
                return real
        return None

    def _read_memory(self, rest: str) -> bytes:
        address, length = span(rest)
        pieces = self._pieces(address, min(length, LARGEST // 2))
        data = b"".join(self._target.memory.read(*piece) for piece in pieces)
        if length and not data:
            raise RefusedError(errno.EFAULT)
        return data.hex().encode()

    def _write_memory(self, rest: str) -> bytes:
        place, _, text = rest.partition(":")
        return self._store(*span(place), bytes.fromhex(text))

    def _write_binary(self, rest: bytes) -> bytes:
        place, _, data = rest.partition(b":")
        return self._store(*span(place.decode("ascii")), data)

    def _store(self, address: int, length: int, data: bytes) -> bytes:
        """All of it or nothing."""
        if len(data) != length:
            raise RefusedError(errno.EINVAL)
        pieces = self._pieces(address, length)
        if sum(size for _, size in pieces) != length:
            raise RefusedError(errno.EFAULT)
        for real, size in pieces:
            self._target.memory.write(real, data[:size])
            data = data[size:]
        return b"OK"

    # -- the rest --------------------------------------------------------------------------

    def _transfer(self, rest: str) -> bytes:
        """qXfer:features:read:target.xml:offset,length"""
        kind, action, annex, place = rest.split(":")
        if (kind, action) != ("features", "read"):
            return b""
        if annex != "target.xml":
            raise RefusedError(errno.ENOENT)
        offset, length = span(place)
        document = target_description().encode()
        part = document[offset : offset + min(length, LARGEST - 1)]
        return (b"m" if offset + len(part) < len(document) else b"l") + part

    def _monitor(self, rest: str) -> bytes:
        command = bytes.fromhex(rest).decode("utf-8", "replace")
        output = self._target.monitor(command)[:_MOST_TEXT]
        return output.encode().hex().encode() if output else b"OK"


def stop_of(text: str) -> tuple[str, int, int]:
    """`type,address,kind`: kind is the length of what is watched, 4 with breakpoints."""
    kind, _, place = text.partition(",")
    address, length = span(place.partition(";")[0])
    if kind not in ("0", "1", *_WATCHED) or (kind in "01" and (address % 4 or length != 4)):
        raise RefusedError(errno.EINVAL)
    return kind, address, length
