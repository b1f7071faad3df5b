"""How many bits the registers have where ways meet.

Forward: a register that every way has given a short number holds one.  In 64-bit code, backward:
whether somebody in the region may yet ask for all of a register.  Where its value has 32 bits on
every way and nobody does, the upper half of its POWER register may be anything (`State.low`); who
leaves the region makes it zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .convention import FIRST
from .instruction import ESP, Imm, Mem, Reg

if TYPE_CHECKING:
    from .instruction import Instruction, Operand
    from .node import Key, Node
    from .options import Options
    from .region import Region
    from .state import State

READING = frozenset({"cmp", "test", "jcc", "nop", "push", "bt", "jmp", "call"})
"""They write no register but ESP; RET, too."""
FIRST_ALONE = frozenset(
    {
        "mov", "movzx", "movsx", "movsxd", "lea", "pop", "setcc", "cmovcc", "bswap", "not", "neg",
        "add", "sub", "and", "or", "xor", "adc", "sbb", "inc", "dec", "imul",
        "shl", "shr", "sar", "rol", "ror", "shld", "shrd",
    }
)  # fmt: skip
"""They write their first operand, and ESP."""
_REPLACING = frozenset({"mov", "movzx", "movsx", "movsxd", "lea", "pop"})
_FLOATS = frozenset(
    {
        0x0F10, 0x0F11, 0x0F12, 0x0F13, 0x0F14, 0x0F16, 0x0F28, 0x0F29, 0x0F2E, 0x0F2F, 0x0F51,
        0x0F54, 0x0F57, 0x0F58, 0x0F59, 0x0F5A, 0x0F5C, 0x0F5D, 0x0F5E, 0x0F5F, 0x0F6F, 0x0F7F,
        0x0FC6, 0x0FD6, 0x0FEF,
    }
)  # fmt: skip
"""Of SSE, those that have to do with no general register but in addresses."""


_LOW = 33
"""The width of a value of 32 bits above which a POWER register may have anything."""


class Widths:
    """What is known of the nodes of a region that several ways lead to."""

    def __init__(self, region: Region, options: Options) -> None:
        self._bits = options.architecture.bits
        self._low: dict[Key, int] = {}
        self._found: dict[Key, list[int]] = {}
        nodes = region.nodes
        if region.small or not options.known_widths or not any(map(_joined, nodes.values())):
            return
        self._forward(nodes)
        if self._bits == 64 and options.lazy_halves and options.lazy_values:
            asked = _backward(nodes)
            for key, widths in self._found.items():
                if _joined(nodes[key]):
                    mask = sum(1 << n for n, width in enumerate(widths) if width == _LOW)
                    self._low[key] = mask & ~asked[key]

    def low(self, key: Key) -> int:
        """Of which registers a branch there need not clean the upper half: bits, as `State.low`."""
        return self._low.get(key, 0)

    def begin(self, state: State, key: Key) -> None:
        """What is known where a node begins, with each register in its own."""
        found = self._found.get(key)
        if found is None:
            return
        state.low = low = self._low.get(key, 0)
        for n, width in enumerate(found):
            if width < self._bits and not low >> n & 1:
                state.widths[FIRST + n] = min(width, 32)

    def _forward(self, nodes: dict[Key, Node]) -> None:
        bits = self._bits
        unknown = [bits] * (16 if bits == 64 else 8)
        found = self._found
        todo = [key for key, node in nodes.items() if node.entry]
        while todo:
            key = todo.pop()
            widths = list(found.get(key) or unknown)
            for i in nodes[key].instructions:
                _after(i, widths, bits)
            for following in nodes[key].successors:
                node = nodes.get(following)
                if node is None or node.entry:
                    continue
                before = found.get(following)
                joined = widths if before is None else list(map(max, before, widths))
                if joined != before:
                    found[following] = list(joined)
                    todo.append(following)


def _joined(node: Node) -> bool:
    return node.predecessors > 1 and not node.entry


def _after(i: Instruction, widths: list[int], bits: int) -> None:
    """How many bits registers have behind an instruction, by how many before."""
    name = i.name
    if name in READING or name == "ret":
        return
    target = i.operands[0] if i.operands else None
    if name in FIRST_ALONE and not (name == "imul" and len(i.operands) == 1):
        if isinstance(target, Reg) and target.number != ESP:
            number = target.number
            if target.size < 4:
                widths[number] = max(widths[number], 16 if target.high else 8 * target.size)
            else:
                widths[number] = min(_result(i, widths, bits), _LOW if target.size == 4 else bits)
        return
    if not _has_no_general(i):
        widths[:] = [bits] * len(widths)


def _result(i: Instruction, widths: list[int], bits: int) -> int:
    """Of an instruction that writes a register of 32 bits or more."""
    target, source = i.operands[0], i.operands[-1]
    assert isinstance(target, Reg)
    before = min(widths[target.number], bits if i.size == 8 else _LOW)
    match i.name:
        case "mov" | "movzx":
            return _width(source, widths, bits)
        case "and":
            return min(before, _width(source, widths, bits))
        case "xor" if source == target:
            return 1
        case "or" | "xor" | "cmovcc":
            return max(before, _width(source, widths, bits))
        case "shr" if isinstance(source, Imm):
            count = source.value & (63 if i.size == 8 else 31)
            left = max(min(before, 8 * i.size) - count, 1) if count else before
            return left if left <= 32 or before == _LOW else bits
        case "shl" | "shr" | "rol" | "ror" | "bswap" if i.size == 4:
            return 32
        case _:
            return bits


def _width(operand: Operand, widths: list[int], bits: int) -> int:
    if isinstance(operand, Imm):
        return max(operand.value.bit_length(), 1) if 0 <= operand.value < 1 << 32 else bits
    if isinstance(operand, Reg):
        most = _LOW if operand.size == 4 else 8 * operand.size
        return 8 if operand.high else min(widths[operand.number], most)
    return 8 * operand.size if isinstance(operand, Mem) else bits


def _has_no_general(i: Instruction) -> bool:
    """Of x87, MMX and SSE: whether it writes no general register, nor reads one as a whole."""
    if i.name == "x87":
        return i.opcode != 0xDF or i.modrm != 0xE0
    return i.name == "simd" and i.opcode in _FLOATS


# -- x86-64: who asks for the upper half -------------------------------------------------------

_ALL = 0xFFFF


def _backward(nodes: dict[Key, Node]) -> dict[Key, int]:
    asked: dict[Key, int] = dict.fromkeys(nodes, 0)
    changed = True
    while changed:
        changed = False
        for key in reversed(nodes):
            node = nodes[key]
            mask = 0
            for following in node.successors:
                mask |= asked.get(following, 0)
            for i in reversed(node.instructions):
                mask = _before(i, mask)
            if mask != asked[key]:
                asked[key] = mask
                changed = True
    return asked


def _before(i: Instruction, mask: int) -> int:
    """Of which registers the upper half may be asked for before an instruction."""
    name, operands = i.name, i.operands
    if not (name in READING or name == "ret" or name in FIRST_ALONE or _has_no_general(i)):
        return _ALL
    if name == "imul" and len(operands) == 1:
        return _ALL
    target = operands[0] if operands else None
    wanted = True
    if name in FIRST_ALONE and isinstance(target, Reg):
        wanted = bool(mask >> target.number & 1)
        if target.size == 4 or (name in _REPLACING and target.size == 8):
            mask &= ~(1 << target.number)
    for operand in operands:
        if isinstance(operand, Mem):
            if not operand.short:
                mask |= _bit(operand.base) | (0 if operand.shift else _bit(operand.index))
        elif isinstance(operand, Reg) and operand.size == 8:
            replaced = operand is target and name in _REPLACING
            if not replaced and (name != "mov" or wanted):
                mask |= 1 << operand.number
    return mask


def _bit(number: int) -> int:
    return 1 << number if number >= 0 else 0
