"""What of docs/ is made from the declarations themselves.

That is docs/hcalls.md, docs/rtas.md, docs/machine.schema.json, and the keys in docs/machine.md.

    python -m pyphyp.reference docs            writes them
    python -m pyphyp.reference docs --check    fails if they are not up to date

What the specification or Linux's header has and pyphyp has not is listed too, with the reason
(`absent.py`); their tables are those the tests hold the declarations against.
"""

from __future__ import annotations

import argparse
import csv
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from firmware import services
from firmware.services import parameters

from .absent import HCALLS_MISSING, linux_hcall_reason, rtas_reason
from .compose import HCALL_GROUPS
from .machine_file.schema import key_tables, schema_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from firmware.rtas import RtasCall
    from hypervisor.hcall import Hcall

HCALL_TABLE, RTAS_TABLE = "lopar_hcalls.csv", "lopar_rtas.csv"
LINUX_TABLE, LINUX_RTAS_TABLE = "linux_hcalls.csv", "linux_rtas.csv"

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
    specified = {int(row["token"], 16) for row in _rows(specification / HCALL_TABLE)}
    linux = [
        (row["token"], f"`{row['name']}`", linux_hcall_reason(int(row["token"], 16)))
        for row in _rows(specification / LINUX_TABLE)
        if int(row["token"], 16) not in numbers | specified
    ]
    return "\n".join(
        (
            _HCALL_INTRODUCTION,
            _table(heads, rows),
            "## In the specification, not here\n",
            _table(
                ("number", "name", "section", "function set", "why"),
                (row for _, row in sorted(missing.items())),
            ),
            "## In Linux's header alone, not here\n",
            _table(("number", "name", "why"), linux),
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
    specified = {row["name"] for row in _rows(specification / RTAS_TABLE)}
    linux = [
        (f"`{row['name']}`", rtas_reason(row["name"]))
        for row in _rows(specification / LINUX_RTAS_TABLE)
        if row["name"] not in names | specified
    ]
    return "\n".join(
        (
            _RTAS_INTRODUCTION,
            _table(("name", "arguments", "results", "section", "what it does"), rows),
            "## In the specification, not here\n",
            _table(("name", "section", "why"), missing),
            "## In Linux alone, not here\n",
            _table(("name", "why"), linux),
            "## System parameters\n",
            _table(("token", "name", "state"), _parameters()),
        )
    )


KEYS_BEGIN, KEYS_END = "<!-- keys -->\n", "<!-- end of keys -->\n"


def machine_page(page: Path) -> str:
    """docs/machine.md with the keys there are."""
    before, _, rest = page.read_text(encoding="utf-8").partition(KEYS_BEGIN)
    return f"{before}{KEYS_BEGIN}\n{key_tables()}\n{KEYS_END}{rest.partition(KEYS_END)[2]}"


def _parameters() -> Iterable[tuple[str, str, str]]:
    """Every token of LoPAR's list, and whether it is answered."""
    answered = {
        (p.value, p.value): (p.name.lower().replace("_", " "), "answered")
        for p in parameters.Parameter
    }
    absent = {
        tokens: (name, f"not supported: {reason}")
        for tokens, (name, reason) in parameters.NOT_SUPPORTED.items()
    }
    for (first, last), (name, state) in sorted((answered | absent).items()):
        yield (str(first) if first == last else f"{first} to {last}"), name, state


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
    made = {
        "hcalls.md": hcalls_page(options.specification),
        "rtas.md": rtas_page(options.specification),
        "machine.schema.json": schema_text(),
    }
    if (page := options.directory / "machine.md").exists():
        made["machine.md"] = machine_page(page)
    for name, text in made.items():
        file = options.directory / name
        if options.check and (not file.exists() or file.read_text(encoding="utf-8") != text):
            outdated.append(name)
        elif not options.check:
            file.write_text(text, encoding="utf-8")
    if outdated:
        print(f"not up to date: {', '.join(outdated)}; make docs", file=sys.stderr)
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main())
