"""Capacity on demand: what of a system is activated, by codes, for ever or for a time.

A system's codes come from its maker: each is made for one serial number, and used once.  A
permanent code raises what is activated; a trial and an on/off activation raise it for a number of
days, in machine time; an edition's key activates what the edition has.  What is entered is
recorded, refused codes too.  The codes are no secret: `code_for` makes them, in the place of the
maker's web site.
"""

from __future__ import annotations

import hashlib
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING

from emu.values import frozen

from .editions import Edition
from .errors import ManagementError

if TYPE_CHECKING:
    from .definition import ManagedSystem

DAY_SECONDS = 86_400
MOST_DAYS = 999
MOST_AMOUNT = 0xFFFFFF
_DIGEST = 12
LOG_ENTRIES = 1000
_LOGGED = 64
"""Characters of a refused code that are recorded; a right one has fewer."""


class Kind(Enum):
    """What a code does, by its first letters."""

    PERMANENT = "PC"
    TRIAL = "TC"
    ON_OFF = "OC"
    EDITION = "VE"


class Resource(Enum):
    PROCESSORS = "P"
    MEMORY = "M"
    """In MiB."""
    EDITION = "E"
    """The amount is the edition's place in the list of editions."""


@frozen
class Grant:
    """What a code gives; `sequence` tells apart the codes of one system."""

    kind: Kind
    resource: Resource
    amount: int
    days: int = 0
    """How long; 0: for ever."""
    sequence: int = 0

    @property
    def edition(self) -> Edition:
        return tuple(Edition)[self.amount]

    def __str__(self) -> str:
        match self.resource:
            case Resource.EDITION:
                return f"the {self.edition.value} edition"
            case Resource.PROCESSORS:
                what = f"{self.amount} processor{'s' * (self.amount != 1)}"
            case Resource.MEMORY:
                what = f"{self.amount} MiB of memory"
        return f"{what}, {_FOR[self.kind]}"


_FOR = {
    Kind.PERMANENT: "for ever",
    Kind.TRIAL: "on trial",
    Kind.ON_OFF: "on/off",
}


@frozen
class Entry:
    """A code that was entered, at a second of machine time, and what became of it."""

    second: int
    code: str
    refused: str = ""
    """Why; empty if it was accepted."""


def code_for(serial: str, grant: Grant) -> str:
    """The code that gives `grant` to the system with this serial number."""
    if not 0 <= grant.amount <= MOST_AMOUNT or not 0 <= grant.days <= MOST_DAYS:
        raise ValueError(f"{grant.amount} for {grant.days} days cannot be said in a code")
    said = f"{grant.kind.value}{grant.resource.value}"
    said += f"-{grant.amount:06X}-{grant.days:03d}-{grant.sequence:04X}"
    return f"{said}-{_digest(serial, said)}"


def _digest(serial: str, said: str) -> str:
    return hashlib.sha256(f"{serial}/{said}".encode()).hexdigest()[:_DIGEST].upper()


def _read(serial: str, code: str) -> Grant:
    """What a code says; ManagementError unless it is one of this system's."""
    said, _, digest = code.rpartition("-")
    try:
        name, amount, days, sequence = said.split("-")
        grant = Grant(
            Kind(name[:2]), Resource(name[2:]), int(amount, 16), int(days), int(sequence, 16)
        )
        right = code_for(serial, grant) == code and digest == _digest(serial, said)
    except ValueError:
        right = False
    if not right:
        raise ManagementError("the activation code is not valid", f"one made for {serial}")
    lasts = grant.kind in (Kind.TRIAL, Kind.ON_OFF)
    key = grant.kind is Kind.EDITION
    known = grant.amount < len(Edition) if key else grant.amount > 0
    if lasts != (grant.days > 0) or key != (grant.resource is Resource.EDITION) or not known:
        raise ManagementError("the activation code gives nothing", f"one made for {serial}")
    return grant


@frozen
class Running:
    """An activation that ends at a second of machine time; `ends` None: it does not."""

    grant: Grant
    ends: int | None


class CapacityOnDemand:
    """What of `system` is activated."""

    def __init__(self, system: ManagedSystem) -> None:
        self._system = system
        self.running: list[Running] = []
        self._used: set[str] = set()
        self.log: deque[Entry] = deque(maxlen=LOG_ENTRIES)
        """The newest entries: whoever guesses codes fills no memory."""
        self.edition = system.edition

    @property
    def cores(self) -> int:
        its = self._system.cores
        return min(its.activated + self._given(Resource.PROCESSORS), its.installed)

    @property
    def memory_mib(self) -> int:
        its = self._system.memory_mib
        return min(its.activated + self._given(Resource.MEMORY), its.installed)

    @property
    def next_end(self) -> int | None:
        """The second of machine time at which an activation ends; None: none does."""
        return min((its.ends for its in self.running if its.ends is not None), default=None)

    def enter(self, code: str, second: int) -> Grant:
        """Take a code; ManagementError, with a record of it, where it is wrong or used."""
        code = code.strip().upper()
        try:
            grant = self._check(code)
        except ManagementError as refusal:
            self.log.append(Entry(second, code[:_LOGGED], str(refusal)))
            raise
        self._used.add(code)
        self.log.append(Entry(second, code))
        if grant.resource is Resource.EDITION:
            self.edition = grant.edition
        else:
            ends = second + grant.days * DAY_SECONDS if grant.days else None
            self.running.append(Running(grant, ends))
        return grant

    def expire(self, second: int) -> list[Grant]:
        """End the activations whose time is up; gives them."""
        over = [its for its in self.running if its.ends is not None and its.ends <= second]
        self.running = [its for its in self.running if its not in over]
        return [its.grant for its in over]

    def _check(self, code: str) -> Grant:
        grant = _read(self._system.serial, code)
        if code in self._used:
            raise ManagementError("the activation code was used before", "each is good once")
        if grant.resource is Resource.EDITION:
            if grant.amount < tuple(Edition).index(self.edition):
                have = self.edition.value
                raise ManagementError(f"the system has the {have} edition", "a key of a higher one")
            return grant
        cores = grant.resource is Resource.PROCESSORS
        its = self._system.cores if cores else self._system.memory_mib
        left = its.installed - (self.cores if cores else self.memory_mib)
        if grant.amount > left:
            what = "processors" if cores else "MiB"
            raise ManagementError(
                f"the code activates {grant.amount} {what}", f"{left} installed are not activated"
            )
        return grant

    def _given(self, resource: Resource) -> int:
        return sum(its.grant.amount for its in self.running if its.grant.resource is resource)
