"""Which of several Shared Ethernet Adapters bridges: failover by priority and a control channel.

Each says with every keep-alive how it ranks and what it does.  The best of those that work is the
primary; it takes over from another one by asking (recovery) and waiting for the answer (notify), so
there are never two.  Whoever is not heard of any more is not there.  Announcements are no frames of
a switch: what a partition sends is never one, whatever it holds, and none reaches a partition.

Two that share load (`HaMode.SHARING`, and the same trunks) halve them: the backup asks (sharing),
and carries the second half of the trunks once the primary has said that it does not.

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
    SHARING = "sharing"


class HaState(Enum):
    INIT = "INIT"
    PRIMARY = "PRIMARY"
    BACKUP = "BACKUP"
    PRIMARY_SH = "PRIMARY_SH"
    BACKUP_SH = "BACKUP_SH"
    RECOVERY = "RECOVERY"
    LIMBO = "LIMBO"


class Kind(Enum):
    """What an announcement is."""

    KEEP_ALIVE = "Keep-Alive"
    RECOVERY = "Recovery"
    NOTIFY = "Notify"
    LIMBO = "Limbo"
    SHARING = "Sharing"


Trunks = tuple[tuple[int, ...], ...]
"""VLANs of each trunk, in order."""


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
    trunks: Trunks
    partner: Failover | None
    """Whom the sender, as the primary, shares load with."""


@slotted
class HaCounts:
    sent: int = 0
    received: int = 0
    became_primary: int = 0
    became_backup: int = 0


class Failover:
    """One adapter's part; `channels` are where it announces itself and hears others.

    `trunks` are what it bridges, the same for all that may share load.
    `changed` is called with what it has become.
    """

    def __init__(
        self,
        rank: Rank,
        channels: frozenset[Hashable],
        control: ControlPlane,
        changed: Callable[[HaState], None],
        trunks: Trunks = (),
    ) -> None:
        self.rank, self.channels, self.trunks = rank, channels, trunks
        self.partner: Failover | None = None
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
        return self.state in _PRIMARIES

    def carries(self, trunk: tuple[int, ...]) -> bool:
        """Whether it is who bridges a trunk, by its VLANs."""
        match self.state:
            case HaState.PRIMARY_SH:
                return trunk in _first_half(self.trunks)
            case HaState.BACKUP_SH:
                return trunk not in _first_half(self.trunks)
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
        if said.kind is Kind.SHARING and self.state is HaState.PRIMARY and self._can_share(said):
            self.partner = said.sender
            self._become(HaState.PRIMARY_SH)
            self._say(Kind.KEEP_ALIVE, now)

    def _can_share(self, said: Announcement) -> bool:
        modes = {self.rank.mode, said.rank.mode}
        return modes == {HaMode.SHARING} and self.trunks == said.trunks and len(self.trunks) > 1

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
                self._stand_back(others, now)
            return
        if now >= self._listens_until:
            self._take_over(now)
        if self.state is HaState.PRIMARY_SH and not self._partner_shares(others):
            self._become(HaState.PRIMARY)

    def _stand_back(self, others: list[Announcement], now: int) -> None:
        """Be a backup, which carries its half where the primary shares."""
        if not self._shared_by_primary():
            self._become(HaState.BACKUP)
            primaries = (its for its in others if its.state is HaState.PRIMARY)
            better = any(
                its.rank.key < self.rank.key and self._can_share(its)
                for its in others
                if its.state in _BACKUPS
            )
            if not better and any(map(self._can_share, primaries)):
                self._say(Kind.SHARING, now)
        if self._shared_by_primary():
            self._become(HaState.BACKUP_SH)

    def _shared_by_primary(self) -> bool:
        """Whether the primary has said that it leaves half of the trunks to this one."""
        return self.rank.mode is HaMode.SHARING and any(
            said.state is HaState.PRIMARY_SH and said.partner is self
            for said, _ in self._others.values()
        )

    def _partner_shares(self, others: list[Announcement]) -> bool:
        """Whether the other half is carried, or about to be."""
        return any(
            its.sender is self.partner and its.state in _BACKUPS and self._can_share(its)
            for its in others
        )

    def _take_over(self, now: int) -> None:
        if self._another_is_primary():
            self._become(HaState.RECOVERY)
            self._say(Kind.RECOVERY, now)
        if not self.primary and not self._another_is_primary():
            self._become(HaState.PRIMARY)
            self._say(Kind.KEEP_ALIVE, now)

    def _another_is_primary(self) -> bool:
        return any(said.state in _PRIMARIES for said, _ in self._others.values())

    def _become(self, state: HaState) -> None:
        if state is self.state:
            return
        self.state = state
        if state is not HaState.PRIMARY_SH:
            self.partner = None
        self.counts.became_primary += state is HaState.PRIMARY
        self.counts.became_backup += state is HaState.BACKUP
        self._changed(state)

    def _say(self, kind: Kind, now: int) -> None:
        self.counts.sent += 1
        self._control.carry(
            Announcement(self, kind, self.rank, self.state, self.trunks, self.partner), now
        )


_PRIMARIES = frozenset({HaState.PRIMARY, HaState.PRIMARY_SH})
_BACKUPS = frozenset({HaState.BACKUP, HaState.BACKUP_SH})


def _first_half(trunks: Trunks) -> Trunks:
    """What the primary carries of shared load."""
    return trunks[: (len(trunks) + 1) // 2]


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
