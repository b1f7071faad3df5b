"""`pyphyp san`: the storage area network of a machine that runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from .ps import usage_of, wanted_machines
from .remote import REMOTE_STATUS_HELP, refusals_told, remote, which_machine
from .status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.actions import SanAction
    from pyphyp.daemon.client import Client
    from pyphyp.daemon.locations import Location

_members = click.argument("members", nargs=-1)


@click.group("san")
def san() -> None:
    """Show the fabrics of machines that run, and change them.

    A member of a zone, and a port, is named as in machine files: a world wide port name, a
    partition or storage (web, ds8k), or one of their ports (web/56, ds8k/0).
    """


_SHOW_HELP = f"""Show fabrics: ports with their names, and zones with their members.

\b
Examples:
  pyphyp san show
  pyphyp san show -m desk --json

{REMOTE_STATUS_HELP}"""


@san.command("show", help=_SHOW_HELP)
@click.option("--json", "as_json", is_flag=True, help="One JSON list of fabrics a machine.")
@which_machine
def show(machine: str | None, socket: Path | None, as_json: bool) -> int:
    return refusals_told(lambda: _shown(wanted_machines(machine, socket), as_json))


def _shown(places: list[Location], as_json: bool) -> int:
    from emu.state import plain
    from pyphyp.san_usage import fabric_tables

    for number, place in enumerate(places):
        usage = usage_of(place)
        if as_json:
            click.echo(json.dumps([plain(fabric) for fabric in usage.fabrics]))
            continue
        if len(places) > 1:
            click.echo("\n" * (number > 0) + usage.name)
        click.echo(fabric_tables(usage.fabrics) or "no fabrics")
    return Status.OK


def _done(client: Client, action: SanAction) -> int:
    from pyphyp.messages import report

    report(client.perform(action))
    return Status.OK


def _help(what: str, *examples: str) -> str:
    lines = "\n".join(f"  pyphyp san {example}" for example in examples)
    return f"{what}\n\n\b\nExamples:\n{lines}\n\n{REMOTE_STATUS_HELP}"


_ADD_HELP = _help("Add MEMBERS to a zone of a fabric; the zone is made.", "add red web web ds8k/0")


@san.command("add", help=_ADD_HELP)
@click.argument("fabric")
@click.argument("zone")
@click.argument("members", nargs=-1, required=True)
@remote
def add(client: Client, fabric: str, zone: str, members: tuple[str, ...]) -> int:
    from pyphyp.actions import AddToZone

    return _done(client, AddToZone(fabric, zone, members))


_REMOVE_HELP = _help(
    "Take MEMBERS out of a zone; without any, the zone goes.",
    "remove red web ds8k",
    "remove red web",
)


@san.command("remove", help=_REMOVE_HELP)
@click.argument("fabric")
@click.argument("zone")
@_members
@remote
def remove(client: Client, fabric: str, zone: str, members: tuple[str, ...]) -> int:
    from pyphyp.actions import RemoveFromZone

    return _done(client, RemoveFromZone(fabric, zone, members))


_DOWN_HELP = _help("Pull the cable of PORT, or of all ports of that name.", "down web/56")


@san.command("down", help=_DOWN_HELP)
@click.argument("port")
@remote
def down(client: Client, port: str) -> int:
    from pyphyp.actions import SetLink

    return _done(client, SetLink(port, up=False))


@san.command("up", help=_help("Plug the cable of PORT in again.", "up web/56"))
@click.argument("port")
@remote
def up(client: Client, port: str) -> int:
    from pyphyp.actions import SetLink

    return _done(client, SetLink(port, up=True))


_LOGIN_HELP = _help(
    "Log in the second port names of a partition, or of one of its ports.\n\n"
    "An adapter has a pair of names; the second one is for the partition while it is moved, and "
    "logs in nowhere by itself.  Logged in, `show` tells which storage its zones let it see.",
    "login web",
    "logout web/56",
)


@san.command("login", help=_LOGIN_HELP)
@click.argument("port")
@remote
def login(client: Client, port: str) -> int:
    from pyphyp.actions import LogInSecond

    return _done(client, LogInSecond(port))


@san.command("logout", help=_help("Log out what `login` has logged in.", "logout web"))
@click.argument("port")
@remote
def logout(client: Client, port: str) -> int:
    from pyphyp.actions import LogInSecond

    return _done(client, LogInSecond(port, logged_in=False))


_RESET_HELP = _help(
    "Reset STORAGE: it logs everybody out, and its units are as after power-on.", "reset ds8k"
)


@san.command("reset", help=_RESET_HELP)
@click.argument("storage")
@remote
def reset(client: Client, storage: str) -> int:
    from pyphyp.actions import ResetStorage

    return _done(client, ResetStorage(storage))


_FREEZE_HELP = _help("Have STORAGE answer no commands, as if it hung, until `thaw`.", "freeze ds8k")


@san.command("freeze", help=_FREEZE_HELP)
@click.argument("storage")
@remote
def freeze(client: Client, storage: str) -> int:
    from pyphyp.actions import FreezeStorage

    return _done(client, FreezeStorage(storage))


@san.command("thaw", help=_help("Have frozen STORAGE answer again.", "thaw ds8k"))
@click.argument("storage")
@remote
def thaw(client: Client, storage: str) -> int:
    from pyphyp.actions import FreezeStorage

    return _done(client, FreezeStorage(storage, frozen=False))


_CARTRIDGES_HELP = f"""Show tape libraries: drives, import/export elements, and cartridges.

\b
Examples:
  pyphyp san cartridges
  pyphyp san cartridges -m desk --json

{REMOTE_STATUS_HELP}"""


@san.command("cartridges", help=_CARTRIDGES_HELP)
@click.option("--json", "as_json", is_flag=True, help="One JSON list of libraries a machine.")
@which_machine
def cartridges(machine: str | None, socket: Path | None, as_json: bool) -> int:
    return refusals_told(lambda: _cartridges(wanted_machines(machine, socket), as_json))


def _cartridges(places: list[Location], as_json: bool) -> int:
    from emu.state import plain
    from pyphyp.san_usage import library_table

    for place in places:
        libraries = usage_of(place).libraries
        if as_json:
            click.echo(json.dumps([plain(library) for library in libraries]))
        else:
            click.echo(library_table(libraries) or "no tape libraries")
    return Status.OK


_INSERT_HELP = _help(
    "Put the cartridge BARCODE, whose image is in the library's directory, into a free "
    "import/export element of LIBRARY.",
    "insert ts3100 A00009L8",
)


@san.command("insert", help=_INSERT_HELP)
@click.argument("library")
@click.argument("barcode")
@remote
def insert(client: Client, library: str, barcode: str) -> int:
    from pyphyp.actions import InsertCartridge

    return _done(client, InsertCartridge(library, barcode))


_EXPORT_HELP = _help(
    "Take the cartridge BARCODE out of an import/export element of LIBRARY.",
    "export ts3100 A00009L8",
)


@san.command("export", help=_EXPORT_HELP)
@click.argument("library")
@click.argument("barcode")
@remote
def export(client: Client, library: str, barcode: str) -> int:
    from pyphyp.actions import ExportCartridge

    return _done(client, ExportCartridge(library, barcode))


COMMANDS = {"san": san}
