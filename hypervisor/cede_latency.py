"""How deeply a ceded processor sleeps: the cede latency specifier of its VPA (LoPAR 14.14.1).

A deeper sleep takes longer to end, and fewer things end it.  System parameter 45 tells guests of
all settings but the classic one.
"""

from __future__ import annotations

from emu.engine import TIME_BASE_HZ
from emu.values import frozen


@frozen
class CedeSetting:
    """What a value of the specifier means."""

    specifier: int
    latency: int
    """Ticks from the event that wakes the processor to its being ready."""
    timer: bool
    """Its decrementer wakes it."""
    external: bool
    """External interrupts wake it; a prod and a system reset always do."""


CLASSIC = CedeSetting(0, 0, timer=True, external=True)
SETTINGS = (
    CLASSIC,
    CedeSetting(1, TIME_BASE_HZ // 1_000_000, timer=False, external=True),
    CedeSetting(2, TIME_BASE_HZ // 1000 * 8, timer=False, external=False),
)
"""By specifier: 0, 1 us, 8 ms.  None wakes later than the next one, or by less."""


def setting_for(specifier: int) -> CedeSetting:
    """The deepest setting that is no deeper than what the operating system can bear."""
    return SETTINGS[min(specifier, len(SETTINGS) - 1)]
