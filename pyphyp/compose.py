"""What a partition is built of: the one list of hcall groups, adapters and firmware.

Importing a module registers nothing; what stands here is what a partition may call.
"""

from __future__ import annotations

from hypervisor import page_init, platform, process_table, processor_mode, splpar, xics
from hypervisor.vio import vty

HCALL_GROUPS = (
    vty.hcalls,
    xics.hcalls,
    splpar.hcalls,
    processor_mode.hcalls,
    process_table.hcalls,
    page_init.hcalls,
    platform.hcalls,
)
