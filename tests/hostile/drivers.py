"""Every driver, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import (
    firmware_calls,
    hypercalls,
    instructions,
    page_tables,
    slots,
    virtual_fc,
    virtual_lan,
    virtual_pairs,
    virtual_scsi,
    virtual_terminals,
    x86_code,
)

if TYPE_CHECKING:
    from .rounds import Driver

DRIVERS: dict[str, Driver] = {
    driver.name: driver
    for driver in (
        hypercalls.driver,
        instructions.driver,
        page_tables.driver,
        firmware_calls.driver,
        virtual_scsi.driver,
        virtual_lan.driver,
        virtual_pairs.driver,
        virtual_terminals.driver,
        virtual_fc.driver,
        slots.driver,
        x86_code.driver,
    )
}
