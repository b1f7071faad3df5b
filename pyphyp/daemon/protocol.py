"""What goes over a machine's socket: JSON, one message a line.

The client begins with `{"pyphyp": VERSION}`; the daemon says `{"pyphyp": VERSION, "machine": NAME}`
or, in another version, an error, and closes.  Then the client sends requests, each with a number of
its own, and gets answers with that number:

    {"id": 1, "request": "Perform", "action": {"action": "FailCore", "core": 2}}
    {"id": 1, "result": "core 2 failed"}
    {"id": 2, "request": "Attach", "partition": "aix1", "lines": 20}
    {"id": 2, "event": {"event": "Output", "text": "...", "lost": 0}}        any number of them
    {"id": 1, "error": {"kind": "refused", "problem": "...", "remedy": "..."}}

A result or an error is the last answer to its request.  Bytes are in base 64, as everywhere in our
records.  Whatever a client sends gets an answer or the end of its connection.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, TypeVar

from emu.state import Length, Plain, StateError, Ticks, check, plain, rebuild, record
from pyphyp.actions import Action, Name, SlotNumber, plain_action, rebuild_action

T = TypeVar("T")

VERSION = 3
LONGEST_REQUEST = 1 << 16
"""Bytes of a line from a client, its end included."""
LONGEST_ANSWER = 1 << 25
LONGEST_HISTORY = 1 << 20
WINDOWS_AT_ONCE = 1 << 12


class ProtocolError(Exception):
    """A line that is no message."""


class ErrorKind(Enum):
    """Why a request has no result."""

    MALFORMED = "malformed"
    """It is none; the connection ends where not even its number can be told."""
    VERSION = "version"
    REFUSED = "refused"
    """`ManagementError`: nothing was done."""
    BUSY = "busy"
    """Not now: ask again later."""
    FAILED = "failed"
    """An error of our own; it stands in the daemon's log."""


# -- requests ----------------------------------------------------------------------------------


@record
class Perform:
    """Perform an action; the result is a line about it."""

    action: Action


@record
class AskNames:
    """The names of the partitions, a list; answered at once."""


@record
class AskUsage:
    """A `MachineUsage`."""


@record
class AskVios:
    """Run a command line of a Virtual I/O Server; an `Answer` (pyphyp/vios/shell.py)."""

    server: Name
    command: Annotated[str, Length(0, 4096)]


@record
class AskViosWords:
    """What may be completed on a Virtual I/O Server's command line behind `line`, a list."""

    server: Name
    line: Annotated[str, Length(0, 4096)]


@record
class AskActivation:
    """An `Activated`."""


@record
class AskSlots:
    """The `PartitionSlots` of a partition that runs."""

    partition: Name


@record
class AskSchedule:
    """A `Timeline` of windows `first` to `last`, as far as they are kept; none: the last ones."""

    first: Ticks | None
    last: Ticks | None
    most: Annotated[int, range(1, WINDOWS_AT_ONCE + 1)] = WINDOWS_AT_ONCE
    """As many windows at most."""


@record
class Attach:
    """Join a partition's console: `Output` and `Notice` events; no result before `Leave`."""

    partition: Name
    lines: Annotated[int, range(LONGEST_HISTORY)]
    """Lines of its history to begin with."""
    console: SlotNumber | None = None
    """The virtual slot of the console; its first one if none is named."""


@record
class Follow:
    """What happens to the machine: `Notice` events."""


@record
class Leave:
    """End the stream that an earlier request of the same client began."""

    stream: Ticks
    """That request's number."""


@record
class PowerOff:
    """End all partitions, then the daemon: `Notice` events, then a result."""

    immediate: bool
    seconds: Annotated[int, range(1 << 20)]
    """How long their operating systems have, on the host's clock, when it is in order."""


Request = (
    Perform
    | AskNames
    | AskUsage
    | AskVios
    | AskViosWords
    | AskActivation
    | AskSchedule
    | AskSlots
    | Attach
    | Follow
    | Leave
    | PowerOff
)
_REQUESTS: tuple[type[Request], ...] = Request.__args__

# -- events ------------------------------------------------------------------------------------


@record
class Output:
    """What a partition wrote."""

    text: bytes
    lost: Ticks
    """Bytes before it that were not fetched in time."""


@record
class Notice:
    """Something happened, at tick `now`; to a partition, or to the machine."""

    now: Ticks
    partition: Annotated[str, Length(0, 128)]
    text: str


Event = Output | Notice
_EVENTS: tuple[type[Event], ...] = Event.__args__

# -- lines -------------------------------------------------------------------------------------


def encode(message: dict[str, Plain]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> dict[str, object]:
    """The object on a line; raises `ProtocolError` for whatever is none."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise ProtocolError("no JSON") from None
    if not isinstance(message, dict):
        raise ProtocolError("no object")
    return message


def plain_request(number: int, request: Request) -> dict[str, Plain]:
    if isinstance(request, Perform):
        return {"id": number, "request": "Perform", "action": plain_action(request.action)}
    return {"id": number, **_named("request", request)}


def rebuild_request(message: dict[str, object]) -> Request:
    """The request in a message, without its number; raises `StateError`."""
    fields = dict(message)
    fields.pop("id", None)
    name = fields.pop("request", None)
    if name == "Perform":
        check(set(fields) == {"action"}, "Perform: an action, and nothing else, would be right")
        return Perform(rebuild_action(fields["action"]))
    return _rebuild_named(_REQUESTS, name, fields)


def plain_event(event: Event) -> dict[str, Plain]:
    return _named("event", event)


def rebuild_event(value: object) -> Event:
    check(isinstance(value, dict), "an event is an object")
    assert isinstance(value, dict)
    fields = dict(value)
    return _rebuild_named(_EVENTS, fields.pop("event", None), fields)


def _named(key: str, value: object) -> dict[str, Plain]:
    fields = plain(value)
    assert isinstance(fields, dict)
    return {key: type(value).__name__, **fields}


def _rebuild_named(kinds: tuple[type[T], ...], name: object, fields: dict[str, object]) -> T:
    for kind in kinds:
        if kind.__name__ == name:
            return rebuild(kind, fields, kind.__name__)
    raise StateError(f"there is nothing called {str(name)[:40]!r}")
