"""POWER instructions as words, fast: the encodings the translator needs, labels, and a side table.

Operands stand in the order of the manual's assembly syntax (Power ISA I 3.3).  The side table says
for a word where the x86 program would be if that instruction could not complete.
"""

from __future__ import annotations

WORD = 0xFFFFFFFF


def fits(value: int) -> bool:
    """Whether it is a signed 16-bit immediate."""
    return -0x8000 <= value < 0x8000


def signed(value: int) -> int:
    """32 bits as a signed number."""
    return ((value & WORD) ^ 0x80000000) - 0x80000000


class TooFarError(ValueError):
    """The code is so large that a branch does not reach over it."""


class Label:
    """A place in the code that is being emitted; `at`: index of a word, -1: not yet known."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at = -1


class Emitter:
    """Words, wherever they will lie."""

    def __init__(self) -> None:
        self.words: list[int] = []
        self._fixups: list[tuple[int, Label]] = []
        self._tables: dict[int, Label] = {}
        self.addresses: list[tuple[int, Label]] = []
        """Words that hang on where the code will lie: of tables, or the first of a pair."""

    def word(self, value: int) -> None:
        self.words.append(value)

    def place(self, label: Label) -> None:
        label.at = len(self.words)

    # -- forms -----------------------------------------------------------------------------

    def d(self, opcode: int, rt: int, ra: int, immediate: int) -> None:
        self.words.append(opcode << 26 | rt << 21 | ra << 16 | immediate & 0xFFFF)

    def x(self, extended: int, rt: int, ra: int, rb: int, record: int = 0) -> None:
        self.words.append(31 << 26 | rt << 21 | ra << 16 | rb << 11 | extended << 1 | record)

    # -- fixed-point arithmetic ------------------------------------------------------------

    def addi(self, rt: int, ra: int, immediate: int) -> None:
        self.d(14, rt, ra, immediate)

    def addis(self, rt: int, ra: int, immediate: int) -> None:
        self.d(15, rt, ra, immediate)

    def addic(self, rt: int, ra: int, immediate: int, record: int = 0) -> None:
        self.d(12 + record, rt, ra, immediate)

    def subfic(self, rt: int, ra: int, immediate: int) -> None:
        self.d(8, rt, ra, immediate)

    def mulli(self, rt: int, ra: int, immediate: int) -> None:
        self.d(7, rt, ra, immediate)

    def add(self, rt: int, ra: int, rb: int, record: int = 0) -> None:
        self.x(266, rt, ra, rb, record)

    def addc(self, rt: int, ra: int, rb: int, record: int = 0) -> None:
        self.x(10, rt, ra, rb, record)

    def adde(self, rt: int, ra: int, rb: int, record: int = 0) -> None:
        self.x(138, rt, ra, rb, record)

    def addze(self, rt: int, ra: int) -> None:
        self.x(202, rt, ra, 0)

    def subf(self, rt: int, ra: int, rb: int, record: int = 0) -> None:
        self.x(40, rt, ra, rb, record)

    def subfc(self, rt: int, ra: int, rb: int, record: int = 0) -> None:
        self.x(8, rt, ra, rb, record)

    def subfe(self, rt: int, ra: int, rb: int, record: int = 0) -> None:
        self.x(136, rt, ra, rb, record)

    def neg(self, rt: int, ra: int, record: int = 0) -> None:
        self.x(104, rt, ra, 0, record)

    def mullw(self, rt: int, ra: int, rb: int) -> None:
        self.x(235, rt, ra, rb)

    def mulhw(self, rt: int, ra: int, rb: int) -> None:
        self.x(75, rt, ra, rb)

    def mulhwu(self, rt: int, ra: int, rb: int) -> None:
        self.x(11, rt, ra, rb)

    def divdu(self, rt: int, ra: int, rb: int) -> None:
        self.x(457, rt, ra, rb)

    def divd(self, rt: int, ra: int, rb: int) -> None:
        self.x(489, rt, ra, rb)

    def mulhd(self, rt: int, ra: int, rb: int) -> None:
        self.x(73, rt, ra, rb)

    def mulhdu(self, rt: int, ra: int, rb: int) -> None:
        self.x(9, rt, ra, rb)

    def mulld(self, rt: int, ra: int, rb: int) -> None:
        self.x(233, rt, ra, rb)

    def divwu(self, rt: int, ra: int, rb: int) -> None:
        self.x(459, rt, ra, rb)

    # -- compares, selection, traps --------------------------------------------------------

    def cmpwi(self, field: int, ra: int, immediate: int) -> None:
        self.d(11, field << 2, ra, immediate)

    def cmplwi(self, field: int, ra: int, immediate: int) -> None:
        self.d(10, field << 2, ra, immediate)

    def cmpw(self, field: int, ra: int, rb: int) -> None:
        self.x(0, field << 2, ra, rb)

    def cmplw(self, field: int, ra: int, rb: int) -> None:
        self.x(32, field << 2, ra, rb)

    def cmpd(self, field: int, ra: int, rb: int) -> None:
        self.x(0, field << 2 | 1, ra, rb)

    def cmpdi(self, field: int, ra: int, immediate: int) -> None:
        self.d(11, field << 2 | 1, ra, immediate)

    def cmpld(self, field: int, ra: int, rb: int) -> None:
        self.x(32, field << 2 | 1, ra, rb)

    def cmpldi(self, field: int, ra: int, immediate: int) -> None:
        self.d(10, field << 2 | 1, ra, immediate)

    def isel(self, rt: int, ra: int, rb: int, bit: int) -> None:
        self.words.append(31 << 26 | rt << 21 | ra << 16 | rb << 11 | bit << 6 | 15 << 1)

    def tw(self, to: int, ra: int, rb: int) -> None:
        self.x(4, to, ra, rb)

    def td(self, to: int, ra: int, rb: int) -> None:
        self.x(68, to, ra, rb)

    def tdi(self, to: int, ra: int, immediate: int) -> None:
        self.d(2, to, ra, immediate)

    def twi(self, to: int, ra: int, immediate: int) -> None:
        self.d(3, to, ra, immediate)

    # -- logic, rotates, shifts ------------------------------------------------------------

    def logical(self, extended: int, ra: int, rs: int, rb: int, record: int = 0) -> None:
        self.x(extended, rs, ra, rb, record)

    def and_(self, ra: int, rs: int, rb: int, record: int = 0) -> None:
        self.x(28, rs, ra, rb, record)

    def or_(self, ra: int, rs: int, rb: int, record: int = 0) -> None:
        self.x(444, rs, ra, rb, record)

    def xor(self, ra: int, rs: int, rb: int, record: int = 0) -> None:
        self.x(316, rs, ra, rb, record)

    def andc(self, ra: int, rs: int, rb: int, record: int = 0) -> None:
        self.x(60, rs, ra, rb, record)

    def nor(self, ra: int, rs: int, rb: int, record: int = 0) -> None:
        self.x(124, rs, ra, rb, record)

    def mr(self, ra: int, rs: int, record: int = 0) -> None:
        self.x(444, rs, ra, rs, record)

    def andi_(self, ra: int, rs: int, immediate: int) -> None:
        self.d(28, rs, ra, immediate)

    def ori(self, ra: int, rs: int, immediate: int) -> None:
        self.d(24, rs, ra, immediate)

    def oris(self, ra: int, rs: int, immediate: int) -> None:
        self.d(25, rs, ra, immediate)

    def xori(self, ra: int, rs: int, immediate: int) -> None:
        self.d(26, rs, ra, immediate)

    def xoris(self, ra: int, rs: int, immediate: int) -> None:
        self.d(27, rs, ra, immediate)

    def extsb(self, ra: int, rs: int, record: int = 0) -> None:
        self.x(954, rs, ra, 0, record)

    def extsh(self, ra: int, rs: int, record: int = 0) -> None:
        self.x(922, rs, ra, 0, record)

    def extsw(self, ra: int, rs: int) -> None:
        self.x(986, rs, ra, 0)

    def cntlzd(self, ra: int, rs: int) -> None:
        self.x(58, rs, ra, 0)

    def cnttzd(self, ra: int, rs: int) -> None:
        self.x(570, rs, ra, 0)

    def cntlzw(self, ra: int, rs: int) -> None:
        self.x(26, rs, ra, 0)

    def cnttzw(self, ra: int, rs: int) -> None:
        self.x(538, rs, ra, 0)

    def popcntb(self, ra: int, rs: int) -> None:
        self.x(122, rs, ra, 0)

    def rlwinm(self, ra: int, rs: int, sh: int, mb: int, me: int, record: int = 0) -> None:
        self.words.append(21 << 26 | rs << 21 | ra << 16 | sh << 11 | mb << 6 | me << 1 | record)

    def rlwimi(self, ra: int, rs: int, sh: int, mb: int, me: int) -> None:
        self.words.append(20 << 26 | rs << 21 | ra << 16 | sh << 11 | mb << 6 | me << 1)

    def rlwnm(self, ra: int, rs: int, rb: int, mb: int, me: int) -> None:
        self.words.append(23 << 26 | rs << 21 | ra << 16 | rb << 11 | mb << 6 | me << 1)

    def rldicl(self, ra: int, rs: int, sh: int, mb: int, record: int = 0) -> None:
        low = (sh & 31) << 11 | ((mb & 31) << 1 | mb >> 5) << 5 | (sh >> 5) << 1 | record
        self.words.append(30 << 26 | rs << 21 | ra << 16 | low)

    def rldicr(self, ra: int, rs: int, sh: int, me: int, record: int = 0) -> None:
        low = (sh & 31) << 11 | ((me & 31) << 1 | me >> 5) << 5 | 1 << 2 | (sh >> 5) << 1 | record
        self.words.append(30 << 26 | rs << 21 | ra << 16 | low)

    def rldic(self, ra: int, rs: int, sh: int, mb: int) -> None:
        low = (sh & 31) << 11 | ((mb & 31) << 1 | mb >> 5) << 5 | 2 << 2 | (sh >> 5) << 1
        self.words.append(30 << 26 | rs << 21 | ra << 16 | low)

    def rldimi(self, ra: int, rs: int, sh: int, mb: int) -> None:
        low = (sh & 31) << 11 | ((mb & 31) << 1 | mb >> 5) << 5 | 3 << 2 | (sh >> 5) << 1
        self.words.append(30 << 26 | rs << 21 | ra << 16 | low)

    def rldcl(self, ra: int, rs: int, rb: int, mb: int) -> None:
        low = rb << 11 | ((mb & 31) << 1 | mb >> 5) << 5 | 8 << 1
        self.words.append(30 << 26 | rs << 21 | ra << 16 | low)

    def slw(self, ra: int, rs: int, rb: int, record: int = 0) -> None:
        self.x(24, rs, ra, rb, record)

    def srw(self, ra: int, rs: int, rb: int, record: int = 0) -> None:
        self.x(536, rs, ra, rb, record)

    def sraw(self, ra: int, rs: int, rb: int, record: int = 0) -> None:
        self.x(792, rs, ra, rb, record)

    def srawi(self, ra: int, rs: int, sh: int, record: int = 0) -> None:
        self.x(824, rs, ra, sh, record)

    def sld(self, ra: int, rs: int, rb: int) -> None:
        self.x(27, rs, ra, rb)

    def srd(self, ra: int, rs: int, rb: int) -> None:
        self.x(539, rs, ra, rb)

    def srad(self, ra: int, rs: int, rb: int) -> None:
        self.x(794, rs, ra, rb)

    def sradi(self, ra: int, rs: int, sh: int, record: int = 0) -> None:
        self.x(826 | sh >> 5, rs, ra, sh & 31, record)

    # -- condition register, special registers ---------------------------------------------

    def cr_op(self, extended: int, bt: int, ba: int, bb: int) -> None:
        self.words.append(19 << 26 | bt << 21 | ba << 16 | bb << 11 | extended << 1)

    def crmove(self, bt: int, ba: int) -> None:
        self.cr_op(449, bt, ba, ba)

    def mcrf(self, to: int, field: int) -> None:
        self.words.append(19 << 26 | to << 23 | field << 18)

    def crnor(self, bt: int, ba: int, bb: int) -> None:
        self.cr_op(33, bt, ba, bb)

    def crxor(self, bt: int, ba: int, bb: int) -> None:
        self.cr_op(193, bt, ba, bb)

    def mcrxrx(self, field: int) -> None:
        """OV, OV32, CA, CA32 into a field."""
        self.x(576, field << 2, 0, 0)

    def mfcr(self, rt: int) -> None:
        self.x(19, rt, 0, 0)

    def mtctr(self, rs: int) -> None:
        self.words.append(31 << 26 | rs << 21 | 9 << 16 | 467 << 1)

    def mfctr(self, rt: int) -> None:
        self.words.append(31 << 26 | rt << 21 | 9 << 16 | 339 << 1)

    # -- constants -------------------------------------------------------------------------

    def li(self, rt: int, value: int) -> None:
        """A 32-bit constant, in one or two instructions."""
        value = signed(value)
        if fits(value):
            self.addi(rt, 0, value)
            return
        self.addis(rt, 0, value >> 16)
        if value & 0xFFFF:
            self.ori(rt, rt, value & 0xFFFF)

    def li_doubleword(self, rt: int, value: int) -> None:
        """A 64-bit constant, given as a signed number, in up to five instructions."""
        if -0x8000_0000 <= value < 0x8000_0000:
            self.li(rt, value)
            return
        if 0 <= value <= WORD:
            self.li(rt, value)
            self.rldicl(rt, rt, 0, 32)
            return
        self.li(rt, value >> 32)
        self.rldicr(rt, rt, 32, 31)
        if value >> 16 & 0xFFFF:
            self.oris(rt, rt, value >> 16 & 0xFFFF)
        if value & 0xFFFF:
            self.ori(rt, rt, value & 0xFFFF)

    def table(self, number: int) -> Label:
        """A table of addresses of code, by its number."""
        return self._tables.setdefault(number, Label())

    def table_address(self, rt: int, base: int, number: int) -> None:
        """`base` holds the context's address."""
        self.addresses.append((len(self.words), self.table(number)))
        self.addis(rt, base, 0)
        self.addi(rt, rt, 0)

    def table_entries(self, number: int, entries: list[Label], words: int) -> None:
        """Each of so many words."""
        self.place(self.table(number))
        for entry in entries:
            self.addresses.append((len(self.words), entry))
            self.words.extend([0] * words)

    # -- branches --------------------------------------------------------------------------

    def b(self, label: Label) -> None:
        self._fixups.append((len(self.words), label))
        self.words.append(18 << 26)

    def bc(self, bo: int, bit: int, label: Label) -> None:
        """`bo`: 12 if the bit is set, 4 if not, 16 while CTR does not become 0; 8, 0: both."""
        self._fixups.append((len(self.words), label))
        self.words.append(16 << 26 | bo << 21 | bit << 16)

    def bctr(self) -> None:
        self.words.append(19 << 26 | 20 << 21 | 528 << 1)

    def sync(self) -> None:
        self.x(598, 0, 0, 0)

    def nop(self) -> None:
        self.words.append(0x60000000)

    def hypervisor_call(self) -> None:
        self.words.append(0x44000022)

    def finish(self) -> list[int]:
        """The words, with all branches bound."""
        words = self.words
        for index, label in self._fixups:
            words[index] = bound(words[index], 4 * (label.at - index))
        self._fixups.clear()
        return words


def bound(word: int, distance: int) -> int:
    """A branch without target, with one `distance` bytes away."""
    if word >> 26 == 18:
        assert -0x2000000 <= distance < 0x2000000
        return word & ~0x3FFFFFC | distance & 0x3FFFFFC
    if not fits(distance):
        raise TooFarError(f"{distance} bytes for a conditional branch")
    return word & ~0xFFFC | distance & 0xFFFC
