"""Requests that cannot be carried out yet, and the records of a server's state."""

from __future__ import annotations

from typing import Annotated

from emu.state import U32, U64, Length, record

MOST_COMMANDS = 2048
"""Requests that a client may have under way."""


@record
class Waiting:
    """A request: where its answer goes (a channel, or the adapter's queue), what and where it is.

    Of a command besides: whom it is for, and by what it is cancelled.
    """

    channel: int | None
    form: U64
    address: U64
    port_id: U64 = 0
    lun: Annotated[bytes, Length(0, 8)] = b""
    cancel_key: U32 = 0


@record
class VfcState:
    """What the server keeps of its client between two requests.

    `events` is address and bytes of the queue for asynchronous events; `logins` are port
    identifiers, with whether the process login is made; `channels` are handles with queues.
    """

    slot: int
    logged_in: bool
    named: bool
    events: tuple[U64, U64] | None
    next_event: U64
    logins: dict[int, bool]
    channels: dict[int, int]
    waiting: Annotated[tuple[Waiting, ...], Length(0, MOST_COMMANDS)]
