"""Commands as declarations: one line gives opcode, name and length of the CDB to a handler.

    @commands.define(0x25, "READ CAPACITY(10)", 10)
    def read_capacity(self, task: Task) -> bytes: ...

A handler takes the `Task` and gives the data for the initiator, or raises what `status` has.  The
same table answers REPORT SUPPORTED OPERATION CODES.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NewType, TypeVar

from emu.values import frozen

from .status import CheckConditionError, Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Handler = Callable[[Any, "Task"], bytes]
    HandlerT = TypeVar("HandlerT", bound=Handler)

Nexus = NewType("Nexus", str)
"""Names an initiator as logical units tell them apart: partition and slot."""

_SERVICE_ACTIONS = frozenset({0x5E, 0x5F, 0x9E, 0xA3, 0xA4})
"""Opcodes whose low five bits of byte 1 say which command it is."""
MOST_BYTES = 16
"""The longest CDB there is here."""


@frozen
class Task:
    """One command of an initiator."""

    nexus: Nexus
    cdb: bytes
    """16 bytes, whatever the command's length."""
    data: bytes = b""
    """What the initiator sends."""

    @property
    def opcode(self) -> int:
        return self.cdb[0]

    def number(self, at: int, length: int) -> int:
        return int.from_bytes(self.cdb[at : at + length], "big")

    def parameters(self, length: int) -> bytes:
        """The parameter list the CDB says to be `length` bytes long."""
        if length > len(self.data):
            raise CheckConditionError(Condition.PARAMETER_LIST_LENGTH)
        return self.data[:length]


@frozen
class Command:
    """One declared command; `action` is its service action, if its opcode has any."""

    opcode: int
    action: int | None
    name: str
    length: int
    handler: Handler
    always: bool
    """Carried out whatever attention is pending and whoever has reserved the unit."""


class CommandSet:
    """The commands of one kind of logical unit, on top of others'."""

    def __init__(self, *others: CommandSet) -> None:
        self._commands: dict[tuple[int, int | None], Command] = {}
        for command in (command for other in others for command in other):
            self._commands[command.opcode, command.action] = command

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def define(
        self,
        opcode: int,
        name: str,
        length: int,
        *,
        action: int | None = None,
        always: bool = False,
    ) -> Callable[[HandlerT], HandlerT]:
        """Declare the handler of a command with a CDB of `length` bytes."""

        def declare(handler: HandlerT) -> HandlerT:
            command = Command(opcode, action, name, length, handler, always)
            self._commands[opcode, action] = command
            return handler

        return declare

    def find(self, cdb: bytes) -> Command:
        """The command of a CDB; INVALID COMMAND OPERATION CODE where there is none."""
        opcode = cdb[0]
        action = cdb[1] & 0x1F if opcode in _SERVICE_ACTIONS else None
        if (command := self._commands.get((opcode, action))) is not None:
            return command
        known = action is not None and any(code == opcode for code, _ in self._commands)
        raise CheckConditionError(
            Condition.INVALID_FIELD_IN_CDB if known else Condition.INVALID_OPCODE
        )
