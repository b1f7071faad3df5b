"""The RTAS calls, by subject; each module defines a group.  `ALL` is what a partition gets."""

from __future__ import annotations

from . import (
    clock,
    connectors,
    console,
    events,
    indicators,
    injection,
    interrupts,
    nonmaskable,
    nvram,
    parameters,
    platform,
    power,
    processors,
    product_data,
)

ALL = (
    console.rtas,
    clock.rtas,
    power.rtas,
    processors.rtas,
    parameters.rtas,
    interrupts.rtas,
    nvram.rtas,
    events.rtas,
    indicators.rtas,
    nonmaskable.rtas,
    product_data.rtas,
    indicators.lamps,
    injection.rtas,
    platform.rtas,
    connectors.rtas,
)
"""In the order of their tokens: add at the end."""
