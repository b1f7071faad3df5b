"""The pages docs/hcalls.md and docs/rtas.md, made from the declarations themselves.

    python -m pyphyp.reference docs            writes them
    python -m pyphyp.reference docs --check    fails if they are not up to date

What the specification has and pyphyp has not is listed too, with the reason; the specification's
tables are those the tests hold the declarations against.
"""

from __future__ import annotations

import argparse
import csv
import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from firmware import services

from .compose import HCALL_GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from firmware.rtas import RtasCall
    from hypervisor.hcall import Hcall

HCALL_TABLE, RTAS_TABLE = "lopar_hcalls.csv", "lopar_rtas.csv"


_ADAPTERS = "not yet: virtual I/O adapters besides the terminal"
_SHARED_MEMORY = "not yet: memory shared among partitions"
_MOBILITY = "not yet: partitions that move"
_NO_PCI = "not yet: there is no PCI host bridge"
_NO_CACHES = "absent by design: no caches or pipelines are modelled, so there is nothing to measure"
_NO_ACCELERATOR = "absent by design: no coherent accelerator is attached"
_NO_ENERGY = "absent by design: nothing here draws power"

HCALLS_MISSING = {
    "hcall-ILAN": _ADAPTERS,
    "hcall-best-energy-1": _NO_ENERGY,
    "hcall-ca": _NO_ACCELERATOR,
    "hcall-cmo": _SHARED_MEMORY,
    "hcall-cmo-x": _SHARED_MEMORY,
    "hcall-cop": "not yet: coprocessors",
    "hcall-crq": _ADAPTERS,
    "hcall-dump": "absent by design: a real machine's default, too, is not to show hypervisor data",
    "hcall-esn": _SHARED_MEMORY,
    "hcall-get-emparm": _NO_ENERGY,
    "hcall-illan-options": _ADAPTERS,
    "hcall-implementation-dependent-tuning": "absent by design: there are no such switches",
    "hcall-lLAN": _ADAPTERS,
    "hcall-liobn-attributes": _ADAPTERS,
    "hcall-migrate": _MOBILITY,
    "hcall-mui": _NO_CACHES,
    "hcall-multi-tce": _ADAPTERS,
    "hcall-perfmon": _NO_CACHES,
    "hcall-pic": "not yet: the shared processor pool",
    "hcall-rdma": _ADAPTERS,
    "hcall-slr": "not yet: resources shared among partitions",
    "hcall-splpar": "not yet: the shared processor pool",
    "hcall-sub-crq": _ADAPTERS,
    "hcall-suspend": _MOBILITY,
    "hcall-tce": _ADAPTERS,
    "hcall-vasi": _MOBILITY,
    "hcall-vioctl": _ADAPTERS,
    "hcall-vrma": "absent by design: the real mode area is not mapped by page table entries",
    "hcall-vsm": "not yet: a service partition with virtual terminals",
    "hcall-vty": "not yet: server virtual terminals",
    "hcall-xlates-limited": _MOBILITY,
}
"""Why hcalls are missing, by function set."""

RTAS_MISSING = (
    (r"ibm,(suspend-me|update-\w+)", _MOBILITY),
    (
        r"ibm,(\w+-pci-config|change-msi|query-interrupt-source-number|\S*-pe|\S*-pe-dma-windows?"
        r"|set-eeh-option|set-slot-reset|read-slot-reset-state2|get-config-addr-info2"
        r"|slot-error-detail|configure-bridge|\S*errinjct)",
        _NO_PCI,
    ),
    (r"ibm,(configure-connector|get-indices|\S*dynamic\S*)", "not yet: dynamic reconfiguration"),
    (r"ibm,lpar-perftools", _NO_CACHES),
    (r"(set|get)-power-level|ibm,power-off-ups", _NO_ENERGY),
    (r"set-time-for-power-on", "absent by design: nothing runs that could power a partition on"),
    (r"ibm,update-flash\S*", "absent by design: firmware is part of the package"),
    (r"ibm,configure-kernel-dump|ibm,manage-storage-preservation", "not yet: dumps by firmware"),
    (r"ibm,get-vpd", "not yet: vital product data"),
    (r"ibm,exti2c", "absent by design: there is no I2C bus"),
)
"""Why RTAS calls are missing: a pattern over their names, and the reason."""

_HCALL_INTRODUCTION = """\
# Hypercalls

`sc 1` with the number in R3 and arguments from R4 on; the return code comes back in R3, results
from R4 on. Sections are those of LoPAR revision 2.9. This page is made from the declarations
(`python -m pyphyp.reference docs`).
"""
_RTAS_INTRODUCTION = """\
# RTAS calls

What the firmware offers through `instantiate-rtas`; `/rtas` in the device tree has a token for
each. The status comes back first, then the results. Sections are those of LoPAR revision 2.9. This
page is made from the declarations (`python -m pyphyp.reference docs`).
"""


def hcalls_page(specification: Path) -> str:
    """docs/hcalls.md."""
    calls = sorted((c for group in HCALL_GROUPS for c in group), key=lambda c: c.number)
    rows = [
        (
            f"{call.number:#x}",
            f"`{call.name}`",
            _arguments(call),
            _hcall_results(call),
            call.papr or "-",
            f"`{call.function_set}`" if call.function_set else "-",
            call.summary,
        )
        for call in calls
    ]
    heads = ("number", "name", "arguments", "results", "section", "function set", "what it does")
    numbers = {call.number for call in calls}
    missing = {
        int(row["token"], 16): (
            f"{int(row['token'], 16):#x}",
            f"`{row['name']}`",
            row["section"],
            f"`{row['function_set']}`",
            HCALLS_MISSING[row["function_set"]],
        )
        for row in _rows(specification / HCALL_TABLE)
        if int(row["token"], 16) not in numbers
    }
    return "\n".join(
        (
            _HCALL_INTRODUCTION,
            _table(heads, rows),
            "## In the specification, not here\n",
            _table(
                ("number", "name", "section", "function set", "why"),
                (row for _, row in sorted(missing.items())),
            ),
        )
    )


def rtas_page(specification: Path) -> str:
    """docs/rtas.md."""
    calls = sorted((c for group in services.ALL for c in group), key=lambda c: c.name)
    rows = [
        (f"`{c.name}`", _arguments(c), _rtas_results(c), c.papr or "-", c.summary) for c in calls
    ]
    names = {call.name for call in calls}
    missing = sorted(
        (f"`{row['name']}`", row["section"], rtas_reason(row["name"]))
        for row in _rows(specification / RTAS_TABLE)
        if row["name"] not in names
    )
    return "\n".join(
        (
            _RTAS_INTRODUCTION,
            _table(("name", "arguments", "results", "section", "what it does"), rows),
            "## In the specification, not here\n",
            _table(("name", "section", "why"), missing),
        )
    )


def rtas_reason(name: str) -> str:
    """Why RTAS call `name` is missing; KeyError if nobody thought of it."""
    for pattern, reason in RTAS_MISSING:
        if re.fullmatch(pattern, name):
            return reason
    raise KeyError(f"no reason is given why RTAS call {name} is missing")


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _arguments(call: Hcall | RtasCall) -> str:
    declared = list(inspect.signature(call.handler).parameters.values())[1:]
    named = (f"{p.name}: {p.annotation}" if p.annotation != "int" else p.name for p in declared)
    return ", ".join(named) or "-"


def _result_count(call: Hcall | RtasCall) -> int | None:
    """How many results a handler gives; None where that varies."""
    annotation = str(inspect.signature(call.handler).return_annotation)
    if annotation == "None" or annotation == "NoReturn":
        return 0
    if annotation == "int":
        return 1
    return None if "..." in annotation else annotation.count("int")


def _hcall_results(call: Hcall) -> str:
    match _result_count(call):
        case None:
            return "R4, ..."
        case 0:
            return "-"
        case count:
            return ", ".join(f"R{4 + n}" for n in range(count))


def _rtas_results(call: RtasCall) -> str:
    match call.nrets - 1:
        case 0:
            return "-"
        case 1:
            return "1 cell"
        case count:
            return f"{count} cells"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or check them; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pyphyp.reference")
    parser.add_argument("directory", type=Path, help="where the pages are")
    parser.add_argument("--check", action="store_true", help="only see whether they are current")
    parser.add_argument(
        "--specification", type=Path, default=Path("tests/spec"), help="where its tables are"
    )
    options = parser.parse_args(arguments)
    outdated = []
    for name, make in (("hcalls.md", hcalls_page), ("rtas.md", rtas_page)):
        file, text = options.directory / name, make(options.specification)
        if options.check and (not file.exists() or file.read_text(encoding="utf-8") != text):
            outdated.append(name)
        elif not options.check:
            file.write_text(text, encoding="utf-8")
    if outdated:
        print(f"not up to date: {', '.join(outdated)}; make docs", file=sys.stderr)
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main())
