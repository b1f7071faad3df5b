"""The command that shows the error log: errlog."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .records import ViosError
from .shell import Call, CommandGroup, UsageError, check_at_most_one

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .engine import Vios
    from .error_log import Entry

commands = CommandGroup()

_TYPES = {"P": "PERM", "T": "TEMP", "I": "INFO", "U": "UNKN"}
_MOST_DAYS = 100_000


@commands.define(
    "errlog",
    "Shows or clears the error log.",
    "errlog [[-ls] [-seq SequenceNumber] | -rm Days]",
    ls=0,
    rm=1,
    seq=1,
)
def errlog(call: Call) -> Iterable[str]:
    log = call.vios.error_log
    check_at_most_one(call, "rm", "ls")
    check_at_most_one(call, "rm", "seq")
    if (days := call.value("rm")) is not None:
        log.remove_before(_number(days, "number of days"))
        return
    entries = log.entries
    if (sequence := call.value("seq")) is not None:
        number = _number(sequence, "sequence number")
        entries = [its for its in entries if its.sequence == number]
        if not entries:
            raise ViosError(f"There is no entry with sequence number {number}.")
    if call.has("ls") or call.has("seq"):
        for entry in entries:
            yield from _in_detail(call.vios, entry)
        return
    if entries:
        yield "IDENTIFIER TIMESTAMP  T C RESOURCE_NAME  DESCRIPTION"
    for entry in entries:
        its, when = entry.event.value, time.strftime("%m%d%H%M%y", time.gmtime(entry.last))
        what = f"{its.type} {its.resource_class} {entry.resource:<14} {its.description}"
        yield f"{its.identifier:<10} {when} {what}"


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise UsageError(f"Invalid {what}: {text}")
    return min(int(text), _MOST_DAYS) if what == "number of days" else int(text)


def _date(at: int) -> str:
    return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(at))


def _in_detail(vios: Vios, entry: Entry) -> Iterator[str]:
    its = entry.event.value
    yield "-" * 75
    yield f"LABEL:          {entry.event.name}"
    yield f"IDENTIFIER:     {its.identifier}"
    yield ""
    yield f"Date/Time:       {_date(entry.last)}"
    yield f"Sequence Number: {entry.sequence}"
    yield f"Machine Id:      {vios.system}"
    yield f"Node Id:         {vios.name}"
    yield f"Class:           {its.resource_class}"
    yield f"Type:            {_TYPES[its.type]}"
    yield f"Resource Name:   {entry.resource}"
    yield ""
    yield "Description"
    yield its.description
    if its.causes:
        yield ""
        yield "Probable Causes"
        yield from its.causes
    if entry.detail:
        yield ""
        yield "Detail Data"
        yield entry.detail
    if entry.count > 1:
        yield ""
        yield "Duplicates"
        yield f"Number of duplicates: {entry.count - 1}"
        yield f"Time of first: {_date(entry.first)}"
