"""`pyphyp x86`: i386 and x86-64 Linux programs on an emulated POWER processor."""

from __future__ import annotations

import fcntl
import gc
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lx86.cpuid import DEFAULT, MODELS
from lx86.options import PASSES
from pyphyp.messages import complain, report

from .progress import ProgressBar
from .status import SIGNAL_BASE, Status
from .x86_engine import ENGINES, REFERENCE, Maker, code_directory, open_store
from .x86_group import RUN, ProgramOrCommand, RunCommand
from .x86_wishes import study_options

if TYPE_CHECKING:
    from lx86.linux.run import Outcome, World

    from .x86_wishes import Wishes

_NOT_FOUND = 127
_GARBAGE_AFTER = 5_000_000
"""Objects that are made between looks for rubbish: what is translated stays, and is much."""
_ARCHITECTURES = ("i386", "amd64")

_HELP = """Run PROGRAM, an x86 Linux program, or fetch a root of such programs.

A program sees the files of its root, what is bound to it, and nothing else of this host's.  Without
--root that is the root that was fetched last, with the current directory bound at its own place;
PROGRAM may then be any file of this host's.

It ends as the program does: with its status, or by its signal.  127 says that it could not be
started.

\b
Examples:
  pyphyp x86 fetch lua5.4                           Debian's shells and tools, and lua
  pyphyp x86 lua5.4 -e 'print(6 * 7)'
  pyphyp x86 bash
  pyphyp x86 --strace ./hello
  pyphyp x86 --root ./sarge --bind ~/src:/src make -C /src
"""


@click.group("x86", cls=ProgramOrCommand, help=_HELP)
def x86() -> None:
    pass


def _pairs(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[str]:
    for value in values:
        if not value.partition("=")[1] or value.startswith("="):
            raise click.BadParameter(f"{value}: NAME=VALUE is wanted")
    return list(values)


def _binds(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> list[tuple[str, Path]]:
    found = []
    for value in values:
        host, _, place = value.partition(":")
        path = Path(host).expanduser()
        if not path.exists():
            raise click.BadParameter(f"{host} is not there")
        place = place or str(path.absolute())
        if not place.startswith("/") or ".." in place.split("/"):
            raise click.BadParameter(f"{place}: a path from / on is wanted")
        found.append((place, path))
    return found


@x86.command(
    RUN,
    cls=RunCommand,
    hidden=True,
    context_settings={"allow_interspersed_args": False},
)
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="The program's root.",
)
@click.option(
    "--bind",
    "binds",
    multiple=True,
    callback=_binds,
    metavar="HOST[:PLACE]",
    help="Show a file or directory of this host's at PLACE, or at its own place.",
)
@click.option(
    "--directory",
    "-C",
    metavar="DIR",
    help="The program's first directory, as it sees it.  Default: / with --root, else this one.",
)
@click.option(
    "--env",
    "environment",
    multiple=True,
    callback=_pairs,
    metavar="NAME=VALUE",
    help="Set a variable of the program's environment, which otherwise is this one.",
)
@click.option("--clear-env", is_flag=True, help="Begin with an empty environment.")
@click.option("--strace", is_flag=True, help="Write each system call to standard error.")
@click.option(
    "--strace-to",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write each system call to FILE.",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default=ENGINES[0],
    show_default=True,
    help="What carries out x86 instructions: the translator to POWER, or Unicorn's own x86.",
)
@click.option(
    "--cpu",
    "model",
    type=click.Choice(tuple(MODELS)),
    default=DEFAULT.name,
    show_default=True,
    help="The x86 processor it is like: what CPUID says, and which instructions are there.",
)
@click.option(
    "--compare",
    is_flag=True,
    help="Run translated code beside Unicorn's x86; stop at the first difference, and show it.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(PASSES),
    metavar="PASS",
    help=f"Leave out a pass of the translator, to see what it is worth: {', '.join(PASSES)}.",
)
@click.option(
    "--stats",
    is_flag=True,
    help="Say at the end what was translated and called, and which calls were unknown.",
)
@click.option(
    "--no-cache", is_flag=True, help="Keep no translated code, and use none of earlier runs."
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep it in DIR, a directory of this user's alone.",
)
@study_options
@click.argument("program")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(
    root: Path | None,
    binds: list[tuple[str, Path]],
    directory: str | None,
    environment: list[str],
    clear_env: bool,
    strace: bool,
    strace_to: Path | None,
    engine: str,
    model: str,
    wishes: Wishes,
    compare: bool,
    without: tuple[str, ...],
    stats: bool,
    no_cache: bool,
    cache: Path | None,
    program: str,
    arguments: tuple[str, ...],
) -> int:
    """Run a program."""
    from lx86.linux.endings import EngineError, RunError
    from lx86.linux.files import descriptor_limit
    from lx86.linux.run import run as run_program
    from lx86.linux.strace import Strace
    from lx86.store import StoreError

    variables = {} if clear_env else dict(os.environ)
    for text in environment:
        name, _, value = text.partition("=")
        variables[name] = value
    world = _world(root, binds, directory, variables, program)
    trace = None
    if strace_to is not None:
        trace = Strace(strace_to.open("w", encoding="utf-8"))
    elif strace and sys.stderr is not None:
        trace = Strace(sys.stderr)
    if wishes.count and (compare or engine == REFERENCE):
        raise click.UsageError(
            "--explain, --hottest, --coverage and --json are about translated code that runs"
            " alone: not with --engine reference or --compare"
        )
    if compare and engine == REFERENCE:
        raise click.UsageError("--compare runs both engines: not with --engine reference")
    limit = descriptor_limit()
    _flush()
    gc.set_threshold(_GARBAGE_AFTER, *gc.get_threshold()[1:])
    try:
        # What is studied is translated now.
        afresh = no_cache or compare or wishes.count or engine == REFERENCE
        store = None if afresh else open_store(cache, limit)
        maker = Maker(
            engine,
            store,
            wishes if wishes.count else None,
            model=model,
            compare=compare,
            without=without,
        )
        said = fcntl.fcntl(2, fcntl.F_DUPFD_CLOEXEC, limit) if sys.stderr is not None else None
        outcome = run_program(program, arguments, world, maker, trace, limit, maker)
    except (RunError, StoreError, MemoryError) as wrong:
        complain(str(wrong))
        return _NOT_FOUND
    except EngineError as failure:
        complain(f"the engine failed: {failure}")
        return Status.CRASH
    if said is not None:
        os.dup2(said, 2)  # the program may have closed it
    maker.report_study()
    if stats:
        maker.report()
        _report(outcome)
    if wishes.json is not None:
        _write_figures(wishes.json, maker, outcome)
    return _end(outcome)


def _flush() -> None:
    """Streams that were closed when the command began are None."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _world(
    root: Path | None, binds: list[tuple[str, Path]], directory: str | None,
    variables: dict[str, str], program: str,
) -> World:  # fmt: skip
    from lx86.linux.run import World

    if root is None:
        from guests.x86_root import current_root

        here = os.getcwd()
        bound = {place for place, _ in binds}
        root = current_root()
        if here != "/" and here not in bound:
            binds = [*binds, (here, Path(here))]
        file = Path(program)
        inside = root is not None and (root / program.lstrip("/")).exists()
        if "/" in program and file.is_file() and not inside:
            binds = [*binds, (os.path.abspath(file), file)]
        directory = directory or here
    return World(root, tuple(binds), directory or "/", tuple(variables.items()))


def _report(outcome: Outcome) -> None:
    for calls in outcome.calls:
        report(f"{calls.counts.total()} system calls")
        for number, count in calls.counts.most_common():
            click.echo(f"{count:8}  {calls.name(number)}", err=True)
        for number, count in sorted(calls.unknown.items()):
            click.echo(f"{count:8}  {calls.name(number)}: not there (ENOSYS)", err=True)


def _write_figures(to: Path, maker: Maker, outcome: Outcome) -> None:
    known: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for calls in outcome.calls:
        known.update({calls.name(number): count for number, count in calls.counts.items()})
        unknown.update({calls.name(number): count for number, count in calls.unknown.items()})
    found = maker.figures() | {
        "calls": dict(known.most_common()),
        "unknown_calls": dict(sorted(unknown.items())),
    }
    to.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _end(outcome: Outcome) -> int:
    """End as the program did."""
    from lx86.linux.signals import die

    number = outcome.ending.signal
    if not number:
        return outcome.ending.status
    _flush()
    if number <= SIGNAL_BASE:
        die(number)
    return SIGNAL_BASE + number


@x86.command("fetch")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Make the root there instead of in the cache.",
)
@click.option(
    "--architecture",
    type=click.Choice(_ARCHITECTURES),
    default=_ARCHITECTURES[0],
    show_default=True,
    help="Debian's name of the programs' architecture.",
)
@click.argument("packages", nargs=-1)
def fetch(into: Path | None, architecture: str, packages: tuple[str, ...]) -> int:
    """Fetch a root: Debian's x86 shells and tools, and PACKAGES, with all they depend on.

    They come from the distribution's archive through this host's apt, once; the host is not
    changed.  Programs find the root that was fetched last without --root.

    \b
    Examples:
      pyphyp x86 fetch
      pyphyp x86 fetch lua5.4 bc make
      pyphyp x86 fetch --into ./root python3-minimal
      pyphyp x86 fetch --architecture amd64
    """
    from guests.packages import GuestFilesError
    from guests.x86_root import fetch_root

    try:
        with ProgressBar() as progress:
            root = fetch_root(packages, progress, architecture=architecture, into=into)
    except GuestFilesError as wrong:
        complain(str(wrong))
        return Status.ERROR
    report(f"{len(root.packages)} packages in {root.path}")
    return Status.OK


@x86.command("cache")
@click.option("--clear", is_flag=True, help="Remove all of it.")
@click.option(
    "--cache",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="That in DIR.",
)
def cache(clear: bool, directory: Path | None) -> int:
    """Show how much translated code is kept for later runs, or remove it."""
    from lx86.store import LIMIT, Store, StoreError

    place = directory or code_directory()
    try:
        store = Store(place)
        if clear:
            store.clear()
        usage = store.usage()
    except StoreError as wrong:
        complain(str(wrong))
        return Status.ERROR
    click.echo(
        f"{place}: {usage.records} blocks, {usage.size / (1 << 20):.1f} MiB"
        f" of at most {LIMIT >> 20} MiB"
    )
    return Status.OK


COMMANDS = {"x86": x86}
