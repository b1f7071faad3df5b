"""What a run counted: exact numbers, and the host's time beside them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import field, fields
from typing import TYPE_CHECKING, Self

from emu.clock import Clock
from emu.engine import TIME_BASE_HZ
from emu.interrupts import interrupt_name
from emu.values import frozen

if TYPE_CHECKING:
    from rich.console import RenderableType

    from .compose import Composition

_INEXACT = frozenset({"counted", "entries", "host_seconds"})
NOT_COUNTED = "not counted"
UNKNOWN = "(unknown)"
"""Where calls are counted that have no name."""


@frozen
class Stats:
    """Counts of one partition since it was first booted; `+` joins those of two boots.

    `exits` counts by kind what the processor left translated code for; the rest by name how often.
    """

    instructions: int = 0
    time_base: int = 0
    """Guest time in ticks, idle time included."""
    tlb_fills: int = 0
    exits: Counter[str] = field(default_factory=Counter)
    interrupts: Counter[str] = field(default_factory=Counter)
    hcalls: Counter[str] = field(default_factory=Counter)
    rtas: Counter[str] = field(default_factory=Counter)
    client_services: Counter[str] = field(default_factory=Counter)
    entries: int = 0
    """How often translated code was entered; input from outside adds to it, hence not exact."""
    counted: bool = True
    """Whether `instructions` was; by the host's clock it is not, and 0."""
    host_seconds: float = 0.0
    """Seconds of the host's clock spent running, waits not included."""

    def __add__(self, other: Self) -> Stats:
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return Stats(**sums | {"counted": self.counted and other.counted})

    @property
    def guest_seconds(self) -> float:
        return self.time_base / TIME_BASE_HZ

    @property
    def mips(self) -> float:
        """Millions of instructions a second of the host's clock."""
        return self.instructions / self.host_seconds / 1e6 if self.host_seconds else 0.0

    @property
    def instructions_text(self) -> str:
        return f"{self.instructions:,}" if self.counted else NOT_COUNTED

    def exact(self) -> dict[str, int | dict[str, int]]:
        """Everything that the same run repeats to the digit, if it was counted: no host time."""
        counts: dict[str, int | dict[str, int]] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Counter):
                counts[f.name] = dict(sorted(value.items()))
            elif f.name not in _INEXACT and (f.name != "instructions" or self.counted):
                counts[f.name] = value
        return counts

    def json(self) -> str:
        return json.dumps(self.exact(), indent=2) + "\n"


def collect(composition: Composition, host_seconds: float) -> Stats:
    """The counts of one boot."""
    partition, firmware = composition.partition, composition.firmware
    counts = partition.engine.counts()
    counted = partition.configuration.clock is Clock.COUNTED
    hcalls: Counter[str] = Counter()
    for number, count in partition.hcall_counts.items():
        hcalls[UNKNOWN if number < 0 else partition.hcalls.name(number)] += count
    return Stats(
        instructions=counts.instructions if counted else 0,
        time_base=partition.time_base,
        tlb_fills=counts.tlb_fills,
        exits=Counter(
            {
                "hypercall": counts.hypercalls,
                "storage interrupt": counts.storage_interrupts,
                "device access": counts.device_accesses,
            }
        ),
        interrupts=Counter({interrupt_name(v): n for v, n in counts.interrupts.items()}),
        hcalls=hcalls,
        rtas=Counter({name or UNKNOWN: n for name, n in firmware.rtas.counts.items()}),
        client_services=Counter(
            {name or UNKNOWN: n for name, n in firmware.services.counts.items()}
        ),
        entries=counts.entries,
        counted=counted,
        host_seconds=host_seconds,
    )


def table(stats: Stats) -> RenderableType:
    """The counts as a table for people."""
    from rich.table import Table

    result = Table(title="Statistics", title_justify="left", box=None, show_header=False)
    result.add_column()
    result.add_column(justify="right")
    result.add_row("instructions", stats.instructions_text)
    result.add_row("host seconds", f"{stats.host_seconds:.3f}")
    result.add_row("MIPS", f"{stats.mips:.1f}" if stats.counted else NOT_COUNTED)
    result.add_row("guest seconds", f"{stats.guest_seconds:.6f}")
    result.add_row("entries into translated code", f"{stats.entries:,}")
    result.add_row("TLB fills", f"{stats.tlb_fills:,}")
    for title, counter in (
        ("exits", stats.exits),
        ("interrupts", stats.interrupts),
        ("hypercalls", stats.hcalls),
        ("RTAS calls", stats.rtas),
        ("client services", stats.client_services),
    ):
        result.add_section()
        result.add_row(title, f"{counter.total():,}")
        for name, count in sorted(counter.items(), key=lambda item: (-item[1], item[0])):
            if count:
                result.add_row(f"  {name}", f"{count:,}")
    return result
