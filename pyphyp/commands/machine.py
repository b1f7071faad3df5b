"""`pyphyp check` and `pyphyp schema`: machine files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pyphyp.messages import complain

from .boot import FILE
from .status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hypervisor.system.definition import ManagedSystem
    from pyphyp.machine_file import Change, MachineFile


@click.command("check")
@click.argument("file", type=FILE)
@click.option("--quiet", is_flag=True, help="Say nothing if all is well.")
def check(file: Path, quiet: bool) -> int:
    """Check the machine file FILE: all that is wrong with it, and what would be right.

    Its partitions must fit the machine together, those that start with it in their order. The exit
    status is 0 if the machine can be, else 1.

    \b
    Examples:
      pyphyp check machine.toml
      pyphyp check --quiet machine.toml && pyphyp up machine.toml
    """
    _, problems, rows = _read(file)
    for problem in problems:
        click.echo(problem, err=True)
    if rows and not quiet:
        click.echo("\n".join(rows))
    return Status.ERROR if problems else Status.OK


def read_machine(file: Path, changes: Iterable[Change] = ()) -> MachineFile | None:
    """A machine whose partitions can be activated; None, after complaints, where it cannot be.

    Raises `ChangeError`.
    """
    described, problems, _ = _read(file, changes)
    for problem in problems:
        complain(problem)
    return None if problems else described


def _read(
    file: Path, changes: Iterable[Change] = ()
) -> tuple[MachineFile | None, list[str], list[str]]:
    """What a machine file describes, all that is wrong with it, and what each partition gets."""
    from pyphyp.machine_file import MachineFileError, read

    try:
        described = read(file, changes)
    except MachineFileError as wrong:
        return None, [str(problem) for problem in wrong.problems], []
    refused, rows = _activated(described.system)
    return described, [f"{file}: {line}" for line in refused], rows


def _activated(system: ManagedSystem) -> tuple[list[str], list[str]]:
    """What is refused when all partitions start that should, and a line for what each gets."""
    from hypervisor.system.allocation import Allocation
    from hypervisor.system.errors import ManagementError

    allocation = Allocation(system)
    refused, rows = [], []
    for partition in sorted(system.partitions, key=lambda its: its.number):
        label = f"{partition.number:4}  {partition.name}"
        if not partition.start:
            rows.append(f"{label}: not started with the machine")
            continue
        try:
            got = allocation.activate(partition.name)
        except ManagementError as wrong:
            refused.append(str(wrong))
            rows.append(f"{label}: refused")
        else:
            rows.append(f"{label}: {got.share}, {got.memory_mib} MiB")
    free = f"{allocation.free_units} units, {allocation.free_mib} MiB"
    rows.append(f"{system.name}: {len(system.partitions)} partitions; free: {free}")
    return refused, rows


@click.command("schema")
def schema() -> int:
    """Print the JSON schema of machine files.

    \b
    Example:
      pyphyp schema > machine.schema.json
    """
    from pyphyp.machine_file.schema import schema_text

    click.echo(schema_text(), nl=False)
    return Status.OK


COMMANDS = {"check": check, "schema": schema}
