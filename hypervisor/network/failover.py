"""Which of several Shared Ethernet Adapters bridges: failover by priority and a control channel.

Each says with every keep-alive how it ranks and what it does.  The best of those that work is the
primary; it takes over from another one by asking (recovery) and waiting for the answer (notify), so
there are never two.  Whoever is not heard of any more is not there.  Announcements are no frames of
a switch: what a partition sends is never one, whatever it holds, and none reaches a partition.

    INIT -- nobody better heard --> PRIMARY <-- recovery, notify -- RECOVERY
      `--- a better one heard ----> BACKUP --- it is gone ---> PRIMARY;  no link: LIMBO
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from emu.values import frozen, slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_MS = 1_000_000
KEEP_ALIVE_NS = 100 * _MS
LOST_AFTER_NS = 400 * _MS
"""Without a keep-alive for so long, another one is not there."""
LISTEN_NS = 2 * KEEP_ALIVE_NS
"""So long a new one listens before it takes over."""
DISCOVERY_VLAN = 4095
"""Where adapters without a control channel of their own find each other; no port can have it."""


class HaMode(Enum):
    DISABLED = "disabled"
    AUTO = "auto"
    STANDBY = "standby"


class HaState(Enum):
    INIT = "INIT"
    PRIMARY = "PRIMARY"
    BACKUP = "BACKUP"
    RECOVERY = "RECOVERY"
    LIMBO = "LIMBO"


class Kind(Enum):
    """What an announcement is."""

    KEEP_ALIVE = "Keep-Alive"
    RECOVERY = "Recovery"
    NOTIFY = "Notify"
    LIMBO = "Limbo"


@frozen
class Rank:
    """Who comes first; `server` is the number of the one it belongs to."""

    mode: HaMode
    priority: int
    server: int

    @property
    def key(self) -> tuple[bool, int, int]:
        return self.mode is HaMode.STANDBY, self.priority, self.server


@frozen
class Announcement:
    sender: Failover
    kind: Kind
    rank: Rank
    state: HaState


@slotted
class HaCounts:
    sent: int = 0
    received: int = 0
    became_primary: int = 0
    became_backup: int = 0


class Failover:
    """One adapter's part; `channels` are where it announces itself and hears others.

    `changed` is called with what it has become.
    """

    def __init__(
        self,
        rank: Rank,
        channels: frozenset[Hashable],
        control: ControlPlane,
        changed: Callable[[HaState], None],
    ) -> None:
        self.rank, self.channels = rank, channels
        self.state = HaState.INIT
        self.counts = HaCounts()
        self.heard = dict.fromkeys(Kind, 0)
        self._control, self._changed = control, changed
        self._others: dict[Failover, tuple[Announcement, int]] = {}
        """What each other one said last, and when."""
        self._next_keep_alive = 0
        self._listens_until: int | None = None

    @property
    def primary(self) -> bool:
        return self.state is HaState.PRIMARY

    def change_mode(self, mode: HaMode) -> None:
        """What follows from it, follows at once when the machine runs."""
        if self.rank.mode is HaMode.DISABLED:
            self._listens_until = None
            self._become(HaState.INIT)
        self.rank = Rank(mode, self.rank.priority, self.rank.server)
        self._next_keep_alive = 0

    def tell(self, now: int) -> None:
        """It is nanosecond `now`: a keep-alive, if it is time."""
        if now >= self._next_keep_alive and self.rank.mode is not HaMode.DISABLED:
            self._next_keep_alive = now + KEEP_ALIVE_NS
            self._say(Kind.KEEP_ALIVE, now)

    def hear(self, said: Announcement, now: int) -> None:
        if self.rank.mode is HaMode.DISABLED:
            return
        self.counts.received += 1
        self.heard[said.kind] += 1
        self._others[said.sender] = said, now
        if said.kind is Kind.RECOVERY and self.primary and said.rank.key < self.rank.key:
            self._become(HaState.BACKUP)
            self._say(Kind.NOTIFY, now)

    def decide(self, now: int, *, works: bool) -> None:
        """Be what it should be, as far as it knows; `works`: its outside is there."""
        if self.rank.mode is HaMode.DISABLED:
            self._become(HaState.PRIMARY)
            return
        if self._listens_until is None:
            self._listens_until = now + LISTEN_NS
        self._others = {
            who: (said, at) for who, (said, at) in self._others.items() if now - at < LOST_AFTER_NS
        }
        if not works:
            if self.state is not HaState.LIMBO:
                self._become(HaState.LIMBO)
                self._say(Kind.LIMBO, now)
            return
        others = [said for said, _ in self._others.values() if said.state is not HaState.LIMBO]
        if any(its.rank.key < self.rank.key for its in others):
            if not self.primary:  # which it is until the better one asks
                self._become(HaState.BACKUP)
            return
        if now >= self._listens_until:
            self._take_over(now)

    def _take_over(self, now: int) -> None:
        if self._another_is_primary():
            self._become(HaState.RECOVERY)
            self._say(Kind.RECOVERY, now)
        if not self.primary and not self._another_is_primary():
            self._become(HaState.PRIMARY)
            self._say(Kind.KEEP_ALIVE, now)

    def _another_is_primary(self) -> bool:
        return any(said.state is HaState.PRIMARY for said, _ in self._others.values())

    def _become(self, state: HaState) -> None:
        if state is self.state:
            return
        self.state = state
        self.counts.became_primary += state is HaState.PRIMARY
        self.counts.became_backup += state is HaState.BACKUP
        self._changed(state)

    def _say(self, kind: Kind, now: int) -> None:
        self.counts.sent += 1
        self._control.carry(Announcement(self, kind, self.rank, self.state), now)


class ControlPlane:
    """All that take part, in the order they came."""

    def __init__(self) -> None:
        self._members: list[Failover] = []

    def join(self, member: Failover) -> None:
        self._members.append(member)

    def leave(self, member: Failover) -> None:
        if member in self._members:
            self._members.remove(member)

    def carry(self, said: Announcement, now: int) -> None:
        """Bring it to all others of its channels."""
        for member in self._members:
            if member is not said.sender and member.channels & said.sender.channels:
                member.hear(said, now)
