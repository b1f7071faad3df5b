"""The partition's calendar, which moves with its time base."""

from __future__ import annotations

from emu.engine import TIME_BASE_HZ
from emu.values import slotted


@slotted
class TimeOfDay:
    """The partition's calendar: an offset from the time base, in seconds since 1970 (UTC)."""

    epoch: int

    def now(self, time_base: int) -> float:
        return self.epoch + time_base / TIME_BASE_HZ

    def set(self, time_base: int, seconds: float) -> None:
        self.epoch = round(seconds - time_base / TIME_BASE_HZ)
