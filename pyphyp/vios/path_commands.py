"""Commands about paths to disks: lspath, chpath, rmpath and mkpath; and cfgdev."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .listings import devices_of
from .paths import PathStatus
from .records import ViosError
from .shell import Call, CommandGroup, Listing, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .paths import Path

commands = CommandGroup()


@commands.define(
    "lspath",
    "Lists paths to disks.",
    "lspath [-dev DeviceName] [-pdev Parent] [-conn Connection] [-status Status] "
    "[-field FieldName...] [-fmt Delimiter]",
    dev=1,
    pdev=1,
    status=1,
    conn=1,
    field=None,
    fmt=1,
)
def lspath(call: Call) -> Iterable[str]:
    chosen = None
    if call.has("dev") or call.has("pdev") or call.has("conn"):
        chosen = _named(call)
    status = call.value("status")
    statuses = [its.value.lower() for its in PathStatus]
    if status is not None and status.lower() not in statuses:
        raise UsageError(f"Invalid status: {status}.  There are {', '.join(statuses)}.")
    rows = [
        (its.value, path.disk, path.adapter, path.connection)
        for path, its in call.vios.paths.all
        if (chosen is None or path in chosen)
        and (status is None or its.value.lower() == status.lower())
    ]
    listing = Listing(("status", "name", "parent", "connection"), list(rows))
    if (lines := listing.chosen(call)) is not None:
        yield from lines
        return
    if status is None:
        yield f"{'status':<8} {'name':<8} {'parent':<7} connection"
        yield ""
    for row in rows:
        yield "{:<8} {:<8} {:<7} {}".format(*row)


def _named(call: Call) -> list[Path]:
    """The paths that -dev, -pdev and -conn name."""
    return call.vios.paths.matching(call.value("dev"), call.value("pdev"), call.value("conn"))


@commands.define(
    "chpath",
    "Enables or disables paths to a disk.",
    "chpath -dev DeviceName -op {enable | disable} [-pdev Parent] [-conn Connection]",
    dev=1,
    op=1,
    pdev=1,
    conn=1,
)
def chpath(call: Call) -> Iterable[str]:
    call.needed("dev")
    match call.needed("op"):
        case "enable":
            call.vios.paths.enable(_named(call))
        case "disable":
            call.vios.paths.disable(_named(call))
        case other:
            raise UsageError(f"Invalid operation: {other}.  There are enable and disable.")
    yield "paths Changed"


@commands.define(
    "rmpath",
    "Removes paths to disks, which are defined still, or with -rm are not.",
    "rmpath {-dev DeviceName | -pdev Parent} [-dev DeviceName] [-pdev Parent] [-conn Connection] "
    "[-rm]",
    dev=1,
    pdev=1,
    conn=1,
    rm=0,
)
def rmpath(call: Call) -> Iterable[str]:
    if not (call.has("dev") or call.has("pdev")):
        raise UsageError("One of the -dev and -pdev flags is required.")
    call.vios.paths.remove(_named(call), definition=call.has("rm"))
    yield "paths Deleted" if call.has("rm") else "paths Defined"


@commands.define(
    "mkpath",
    "Makes paths to a disk again that were removed.",
    "mkpath -dev DeviceName [-pdev Parent] [-conn Connection] [-def]",
    dev=1,
    pdev=1,
    conn=1,
    **{"def": 0},
)
def mkpath(call: Call) -> Iterable[str]:
    call.needed("dev")
    if not (call.has("pdev") or call.has("conn")):
        raise UsageError("One of the -pdev and -conn flags is required.")
    call.vios.paths.make(_named(call), define_only=call.has("def"))
    yield "paths Defined" if call.has("def") else "paths Available"


@commands.define(
    "cfgdev",
    "Configures devices that are not: paths that were removed, and what is defined only.",
    "cfgdev [-dev DeviceName]",
    dev=1,
)
def cfgdev(call: Call) -> Iterable[str]:
    name = call.value("dev")
    if name is not None and all(name != its[0] for its in devices_of(call.vios)):
        raise ViosError(f'Device "{name}" was not found.')
    call.vios.paths.configure()
    call.vios.connect_defined()
    return ()
