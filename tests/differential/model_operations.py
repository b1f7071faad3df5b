"""Which operation on lanes of registers an instruction of binary floating point is, by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from . import model as m


@dataclass(frozen=True, slots=True)
class Lane:
    """Where number n stands: so many bits, at a bit counted from the left."""

    bits: int
    first: int = 0
    step: int = 0
    format: m.Format | None = None
    """None: an integer."""
    value_format: m.Format | None = None
    """What a result is rounded to, where the place has room for more."""
    repeated: bool = False
    """Once more, behind itself."""

    def read(self, register: int, n: int) -> int:
        shift = 128 - self.bits - self.first - self.step * n
        return register >> shift & (1 << self.bits) - 1

    def place(self, value: int, n: int) -> int:
        value &= (1 << self.bits) - 1
        if self.repeated:
            value |= value << self.bits
        return value << 128 - self.bits * (2 if self.repeated else 1) - self.first - self.step * n

    @property
    def rounded(self) -> m.Format:
        found = self.value_format or self.format
        assert found is not None
        return found


_DP, _SP = Lane(64, 0, 64, m.DOUBLE), Lane(32, 0, 32, m.SINGLE)
_SP_EVEN = Lane(32, 0, 64, m.SINGLE, repeated=True)
_SHORT = Lane(64, 0, 64, m.DOUBLE, m.SINGLE)
_HP, _HP_LAST = Lane(16, 16, 32, m.HALF), Lane(16, 48, 0, m.HALF)
_QP, _XP = Lane(128, format=m.QUAD), Lane(128, format=m.QUAD, value_format=m.EXTENDED)
_D, _W, _W_EVEN = Lane(64, 0, 64), Lane(32, 0, 32), Lane(32, 0, 64, repeated=True)
CURRENT = -1


@dataclass(frozen=True, slots=True)
class Operation:
    what: str
    source: Lane
    target: Lane
    lanes: int = 1
    rounding: int = CURRENT
    width: int = 64
    """Bits of an integer result."""

    @property
    def vector(self) -> bool:
        return self.lanes > 1


_ROUNDINGS = {"n": m.AWAY, "z": m.ZERO, "p": m.UP, "m": m.DOWN, "": m.AWAY, "c": CURRENT}
_EXTREMES = {"xsmaxcdp", "xsmincdp", "xsmaxjdp", "xsminjdp", "xsmaxdp", "xsmindp"}
_ELEMENTS = {"dp": (_DP, 2), "sp": (_SP, 4)}


def _arithmetic(name: str) -> Operation | None:
    bare = name.rstrip(".")
    if found := re.fullmatch(r"f(add|sub|mul|div|sqrt|n?madd|n?msub)(s?)", bare):
        return Operation(found[1], _DP, _SHORT if found[2] else _DP)
    if found := re.fullmatch(r"xs(add|sub|mul|div|sqrt|n?madd|n?msub)qp(o?)", bare):
        return Operation(found[1], _QP, _QP, rounding=m.ODD if found[2] else CURRENT)
    if found := re.fullmatch(r"xs(add|sub|mul|div|sqrt|n?madd|n?msub)[am]?([ds])p", bare):
        return Operation(found[1], _DP, _DP if found[2] == "d" else _SHORT)
    if found := re.fullmatch(r"xv(add|sub|mul|div|sqrt|n?madd|n?msub)[am]?([ds]p)", bare):
        lane, count = _ELEMENTS[found[2]]
        return Operation(found[1], lane, lane, count)
    return None


def _comparison(name: str) -> Operation | None:
    if found := re.fullmatch(r"fcmp([uo])|xscmp([uo]|exp)([dq]p)", name):
        lane = _QP if found[3] == "qp" else _DP
        return Operation("cmp" + (found[1] or found[2]), lane, lane)
    if found := re.fullmatch(r"x([sv])cmp(eq|gt|ge)([ds]p)\.?", name):
        lane, count = _ELEMENTS[found[3]]
        return Operation(found[2], lane, _D if lane is _DP else _W, 1 if found[1] == "s" else count)
    if name in _EXTREMES or (found := re.fullmatch(r"xv(max|min)([ds]p)", name)):
        if name in _EXTREMES:
            return Operation(name[2:-2], _DP, _DP)
        assert found is not None
        lane, count = _ELEMENTS[found[2]]
        return Operation(found[1], lane, lane, count)
    return None


def _rounding(name: str, word: int) -> Operation | None:
    if found := re.fullmatch(r"fri([nzpm])\.?", name):
        return Operation("rint", _DP, _DP, rounding=_ROUNDINGS[found[1]])
    if found := re.fullmatch(r"x([sv])r([ds]p)i([zpmc]?)", name):
        lane, count = _ELEMENTS[found[2]]
        what = "rintx" if found[3] == "c" else "rint"
        return Operation(what, lane, lane, 1 if found[1] == "s" else count, _ROUNDINGS[found[3]])
    if name in ("xsrqpi", "xsrqpix", "xsrqpxp"):
        of_instruction = (m.NEAREST, m.ZERO, m.UP, m.DOWN)[word >> 9 & 3]
        of_none = m.AWAY if not word >> 9 & 3 else CURRENT
        rounding = of_instruction if word >> 16 & 1 else of_none
        what = {"xsrqpi": "rint", "xsrqpix": "rintx"}.get(name, "convert")
        return Operation(what, _QP, _XP if what == "convert" else _QP, rounding=rounding)
    return None


_FLOATS = {"dp": _DP, "sp": _SP, "hp": _HP_LAST, "qp": _QP}
_CONVERSIONS = {
    "frsp": Operation("convert", _DP, _SHORT),
    "frsp.": Operation("convert", _DP, _SHORT),
    "xsrsp": Operation("convert", _DP, _SHORT),
    "xscvdpsp": Operation("convert", _DP, _SP_EVEN),
    "xscvspdp": Operation("convert", _SP, _DP),
    "xscvhpdp": Operation("convert", _HP_LAST, _DP),
    "xscvdphp": Operation("convert", _DP, _HP_LAST),
    "xvcvdpsp": Operation("convert", _DP, _SP_EVEN, 2),
    "xvcvspdp": Operation("convert", _SP_EVEN, _DP, 2),
    "xvcvhpsp": Operation("convert", _HP, _SP, 4),
    "xvcvsphp": Operation("convert", _SP, _HP, 4),
    "xscvqpdp": Operation("convert", _QP, _DP),
    "xscvqpdpo": Operation("convert", _QP, _DP, rounding=m.ODD),
    "xscvdpqp": Operation("convert", _DP, _QP),
    "xscvsdqp": Operation("from s", _D, _QP),
    "xscvudqp": Operation("from u", _D, _QP),
}


def _conversion(name: str) -> Operation | None:
    bare = name.rstrip(".")
    if name in _CONVERSIONS:
        return _CONVERSIONS[name]
    if found := re.fullmatch(r"fct(i[dw])(u?)(z?)", bare):
        target, width = (_D, 64) if found[1] == "id" else (_W_EVEN, 32)
        rounding = m.ZERO if found[3] else CURRENT
        return Operation("to " + (found[2] or "s"), _DP, target, 1, rounding, width)
    if found := re.fullmatch(r"fcfid(u?)(s?)", bare):
        return Operation("from " + (found[1] or "s"), _D, _SHORT if found[2] else _DP)
    if found := re.fullmatch(r"xscvqp([su])([dw])z", bare):
        return Operation("to " + found[1], _QP, _D, 1, m.ZERO, 64 if found[2] == "d" else 32)
    if found := re.fullmatch(r"x([sv])cv([ds]p)([su])x([dw])s", bare):
        count, target = 1 if found[1] == "s" else 2, _D if found[4] == "d" else _W_EVEN
        source = _DP if found[2] == "dp" else _SP_EVEN
        if found[2] == "sp" and found[4] == "w":
            count, source, target = 4, _SP, _W
        width = 64 if found[4] == "d" else 32
        return Operation("to " + found[3], source, target, count, m.ZERO, width)
    if found := re.fullmatch(r"x([sv])cv([su])x([dw])([ds]p)", bare):
        scalar, count = found[1] == "s", 1 if found[1] == "s" else 2
        source = _D if found[3] == "d" else _W_EVEN
        target = _DP if found[4] == "dp" else _SHORT if scalar else _SP_EVEN
        if found[3] == "w" and found[4] == "sp":
            count, source, target = 4, _W, _SP
        return Operation("from " + found[2], source, target, count)
    return None


@cache
def operation_of(name: str, word: int) -> Operation | None:
    """`word` tells of the rounding that some instructions name."""
    if name.startswith(("xststdc", "xvtstdc")):
        return None
    return _arithmetic(name) or _comparison(name) or _rounding(name, word) or _conversion(name)
