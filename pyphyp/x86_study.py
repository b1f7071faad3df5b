"""What `pyphyp x86` shows those who study the translator: blocks, the hottest code, coverage.

All of it is of the first process, and of the programs that it was one after another.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from lx86.study.coverage import Covered, Module, as_drcov, as_json
from lx86.study.profile import Profile

from .x86_places import Place, Places

if TYPE_CHECKING:
    from pathlib import Path

    from lx86.block import Block
    from lx86.linux.process import Process
    from lx86.storage import Storage
    from lx86.study.forms import Stage
    from lx86.study.profile import BlockCounts, Executed
    from lx86.translating_cpu import TranslatingCpu

    from .commands.x86_wishes import Wishes


class X86Study:
    """Watches `cpu`, whose translator marks nodes."""

    def __init__(self, wishes: Wishes, cpu: TranslatingCpu, storage: Storage) -> None:
        self._wishes, self._cpu, self._storage = wishes, cpu, storage
        self._profile = Profile(cpu)
        self._profile.on_counted = self._counted
        cpu.translator.on_block = self._translated
        self._process: Process | None = None
        self._pid = os.getpid()
        self._places: list[Places] = []
        """Of each program."""
        self._paths: list[str] = []
        self._explained: dict[Block, tuple[list[Stage], str]] = {}
        self._wanted = {int(text, 0) for text in wishes.at if _is_number(text)}
        self._unknown = {text for text in wishes.at if not _is_number(text)}
        self._symbols = frozenset(self._unknown)

    def begin(self, process: Process) -> None:
        """The process whose programs are watched."""
        self._process = process

    def finish(self) -> None:
        """The end of the process."""
        if os.getpid() == self._pid:
            self._profile.finish()

    # -- while it runs ---------------------------------------------------------------------

    def _translated(self, block: Block) -> None:
        if os.getpid() != self._pid:
            return
        places = self._now()
        assert block.region is not None
        for node in block.region.nodes.values():
            place = places.note(node.eip)
            for name in self._symbols if place else ():
                address = places.find(name, place) if place else None
                if address is not None:
                    self._wanted.add(address)
                    self._unknown.discard(name)
        if self._wishes.explanations and self._is_wanted(block):
            self._explain(block, places)

    def _now(self) -> Places:
        """Of the program that runs."""
        assert self._process is not None
        while len(self._places) < len(self._profile.programs):
            self._places.append(Places(self._process))
            self._paths.append(os.fsdecode(self._process.program.path))
        return self._places[-1]

    def _is_wanted(self, block: Block) -> bool:
        if not self._wishes.at:
            return True
        assert block.region is not None
        nodes = block.region.nodes.values()
        return any(i.address in self._wanted for node in nodes for i in node.instructions)

    def _explain(self, block: Block, places: Places) -> None:
        from lx86.study.forms import stages

        found: list[Stage] = []
        if self._wishes.passes != "none":
            translator = self._cpu.translator
            found = stages(block, self._storage, translator.options, translator.stack_key)
        self._explained[block] = found, places.name(block.start)

    def _counted(self, block: Block, counts: BlockCounts) -> None:
        from lx86.explain import explain

        if block not in self._explained or os.getpid() != self._pid:
            return
        found, name = self._explained.pop(block)
        whole = self._wishes.passes == "all"
        print(
            explain(block, name, found, counts, whole=whole),
            file=self._wishes.explanations, flush=True,
        )  # fmt: skip

    # -- afterwards ------------------------------------------------------------------------

    @property
    def not_found(self) -> list[str]:
        """Symbols that no file had whose code was translated."""
        return sorted(self._unknown)

    def programs(self) -> list[tuple[str, Executed, Places]]:
        """By path, what each of them executed."""
        return list(zip(self._paths, self._profile.programs, self._places, strict=False))

    def table(self) -> list[str]:
        """The hottest code of each program, as lines."""
        total = self._cpu.machine.instructions
        lines = []
        for path, executed, places in self.programs():
            lines.append(
                f"{path}: {executed.x86} x86 instructions, {executed.power} of POWER"
                f" in their blocks, {total} in all"
            )
            lines.append("   executed        x86      POWER  share for one  from")
            for eip, hot in executed.hottest(self._wishes.hottest):
                lines.append(
                    f"{hot.executions:11}{hot.x86:11}{hot.power:11}{hot.power / total:7.1%}"
                    f"{hot.power / max(hot.x86, 1):8.2f}  {eip:#010x} {places.name(eip)}".rstrip()
                )
        return lines

    def figures(self) -> list[dict[str, Any]]:
        """The same for programs to read."""
        return [
            {
                "program": path,
                "x86": executed.x86,
                "power": executed.power,
                "hottest": [
                    {
                        "address": eip, "name": places.name(eip), "executions": hot.executions,
                        "instructions": hot.instructions, "x86": hot.x86, "power": hot.power,
                    }
                    for eip, hot in executed.hottest(self._wishes.hottest or 20)
                ],
            }
            for path, executed, places in self.programs()
        ]  # fmt: skip

    def write_coverage(self, to: Path) -> None:
        """What ran: drcov if the name ends so, of the last program; else JSON."""
        found = [(path, _modules(executed, places)) for path, executed, places in self.programs()]
        if to.suffix == ".drcov":
            to.write_bytes(as_drcov(found[-1][1] if found else ()))
        else:
            to.write_text(as_json(found), encoding="utf-8")


def _modules(executed: Executed, places: Places) -> list[Module]:
    by_file: dict[Place, list[Covered]] = {}
    for address, count in sorted(executed.instructions.items()):
        covered = Covered(address, executed.lengths[address], count)
        by_file.setdefault(places.at(address), []).append(covered)
    return [Module(place.path, place.base, found) for place, found in by_file.items()]


def _is_number(text: str) -> bool:
    try:
        int(text, 0)
    except ValueError:
        return False
    return True
