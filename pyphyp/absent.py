"""Why calls that the specification or Linux's header has are not there.

"Not yet" waits for something to be built, "absent by design" for nothing.
"""

from __future__ import annotations

import re

_ADAPTERS = "not yet: virtual I/O adapters besides the terminal"
_SHARED_MEMORY = "not yet: memory shared among partitions"
_MOBILITY = "not yet: partitions that move"
_NO_PCI = "not yet: there is no PCI host bridge"
_NO_CACHES = "absent by design: no caches or pipelines are modelled, so there is nothing to measure"
_NO_ACCELERATOR = "absent by design: no coherent accelerator is attached"
_NO_ENERGY = "absent by design: nothing here draws power"

HCALLS_MISSING = {
    "hcall-ca": _NO_ACCELERATOR,
    "hcall-cmo": _SHARED_MEMORY,
    "hcall-cmo-x": _SHARED_MEMORY,
    "hcall-cop": "not yet: coprocessors",
    "hcall-dump": "absent by design: a real machine's default, too, is not to show hypervisor data",
    "hcall-esn": _SHARED_MEMORY,
    "hcall-implementation-dependent-tuning": "absent by design: there are no such switches",
    "hcall-liobn-attributes": _ADAPTERS,
    "hcall-migrate": _MOBILITY,
    "hcall-mui": _NO_CACHES,
    "hcall-multi-tce": _ADAPTERS,
    "hcall-perfmon": _NO_CACHES,
    "hcall-rdma": "not yet: redirected entries of DMA windows; copies are there",
    "hcall-slr": "not yet: resources shared among partitions",
    "hcall-vasi": _MOBILITY,
    "hcall-vrma": "absent by design: the real mode area is not mapped by page table entries",
    "hcall-vsm": "not yet: a service partition with virtual terminals",
    "hcall-xlates-limited": _MOBILITY,
}
"""Why hcalls are missing, by function set."""

RTAS_MISSING = (
    (r"ibm,(suspend-me|update-(nodes|properties))", _MOBILITY),
    (
        r"(ibm,)?(read|write)-pci-config|ibm,(change-msi|query-interrupt-source-number|\S*-pe"
        r"|\S*-pe-dma-windows?|set-eeh-option|set-slot-reset|read-slot-reset-state2?"
        r"|get-config-addr-info2?|slot-error-detail|configure-bridge|open-sriov-\S*)",
        _NO_PCI,
    ),
    (r"(set|get)-power-level|ibm,power-off-ups", _NO_ENERGY),
    (r"set-time-for-power-on", "absent by design: nothing runs that could power a partition on"),
    (
        r"ibm,(update-flash\S*|manage-flash-image|validate-flash-image)",
        "absent by design: firmware is part of the package",
    ),
    (r"ibm,configure-kernel-dump|ibm,manage-storage-preservation", "not yet: dumps by firmware"),
    (
        r"ibm,platform-dump|ibm,scan-log-dump",
        "absent by design: what goes wrong in the platform is told to whoever runs it",
    ),
    (r"ibm,physical-attestation", "absent by design: nothing measures what is started"),
    (
        r"(freeze|thaw)-time-base",
        "absent by design: the time bases of all processors are one",
    ),
    (r"(get|put)-term-char", "absent by design: terminals go by hypercalls"),
    (r"ibm,exti2c", "absent by design: there is no I2C bus"),
)
"""Why RTAS calls are missing: a pattern over their names, and the reason."""


def rtas_reason(name: str) -> str:
    """Why RTAS call `name` is missing; KeyError if nobody thought of it."""
    for pattern, reason in RTAS_MISSING:
        if re.fullmatch(pattern, name):
            return reason
    raise KeyError(f"no reason is given why RTAS call {name} is missing")


_OLD_ADAPTERS = "absent by design: of the InfiniBand and Ethernet adapters of POWER5 and POWER6"
_NO_GUESTS = "absent by design: a partition does not run partitions of its own"

LINUX_HCALLS_MISSING = (
    (
        (0x30, 0x38),
        "absent by design: of processors with an address space register (before POWER4)",
    ),
    ((0x5C, 0x5C), "absent by design: a partition has no use for real addresses"),
    ((0x15C, 0x1C0), _OLD_ADAPTERS),
    ((0x1E4, 0x1E4), _OLD_ADAPTERS),
    ((0x250, 0x288), _OLD_ADAPTERS),
    ((0x360, 0x360), "not yet: a management channel for a partition"),
    ((0x388, 0x3A0), "not yet: coprocessors"),
    ((0x3E4, 0x400), "not yet: persistent memory"),
    ((0x418, 0x418), "not yet: persistent memory"),
    ((0x41C, 0x43C), "not yet: a key store of the platform"),
    ((0x44C, 0x44C), "not yet: persistent memory"),
    ((0x450, 0x450), _NO_ENERGY),
    ((0x454, 0x454), "not yet: a key store of the platform"),
    ((0x458, 0x458), _NO_CACHES),
    ((0x460, 0x488), _NO_GUESTS),
    ((0x490, 0x494), "not yet: a key store of the platform"),
    ((0xEF00, 0xEF14), "absent by design: there is no ultravisor"),
    ((0xF001, 0xF003), "absent by design: of another firmware, which is a program in the guest"),
    ((0xF078, 0xF07C), "absent by design: no chip with counters is modelled"),
    ((0xF800, 0xF80C), _NO_GUESTS),
)
"""Why calls that are in Linux's header alone are missing: first and last number, and the reason."""


def linux_hcall_reason(number: int) -> str:
    """Why hcall `number` is missing; KeyError if nobody thought of it."""
    for (first, last), reason in LINUX_HCALLS_MISSING:
        if first <= number <= last:
            return reason
    raise KeyError(f"no reason is given why hcall {number:#x} is missing")
