"""What a guest sees of an hcall: return codes and the kinds of its arguments (LoPAR 14.5)."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import NewType

from emu.bits import DOUBLEWORD as DOUBLEWORD

LogicalReal = NewType("LogicalReal", int)
"""An address within one partition's storage."""
UnitAddress = NewType("UnitAddress", int)
"""Names a virtual I/O adapter of the calling partition."""
ProcessorNumber = NewType("ProcessorNumber", int)
"""A virtual processor, as in `ibm,ppc-interrupt-server#s`."""
Flags = NewType("Flags", int)
"""A doubleword of flag bits; printed in hexadecimal."""

MAXIMUM_PROCESSORS = 32
"""Virtual processors of a partition."""


class Mmu(Enum):
    """How the processors of a partition may translate addresses."""

    AUTO = "auto"
    """As its guest asks for."""
    HASH = "hash"
    RADIX = "radix"


class InterruptMode(Enum):
    """Which controller a partition uses."""

    XICS = "xics"
    XIVE = "xive"


class InterruptOffer(Enum):
    """Which controllers a partition is offered."""

    XICS = "xics"
    XIVE = "xive"
    AUTO = "auto"
    """Either, as the client program asks; XICS until it does."""

    @property
    def includes_xics(self) -> bool:
        return self is not InterruptOffer.XIVE

    @property
    def includes_xive(self) -> bool:
        return self is not InterruptOffer.XICS

    @property
    def first(self) -> InterruptMode:
        """The controller a partition starts with."""
        return InterruptMode.XICS if self.includes_xics else InterruptMode.XIVE


class H(IntEnum):
    """Hcall return codes, placed in R3 (LoPAR table "Hypervisor Call Return Code Values")."""

    SUCCESS = 0
    BUSY = 1
    CLOSED = 2
    NOT_AVAILABLE = 3
    CONSTRAINED = 4
    PARTIAL = 5
    IN_PROGRESS = 14
    PAGE_REGISTERED = 15
    PARTIAL_STORE = 16
    PENDING = 17
    CONTINUE = 18
    LONG_BUSY_ORDER_1_MSEC = 9900
    LONG_BUSY_ORDER_10_MSEC = 9901
    LONG_BUSY_ORDER_100_MSEC = 9902
    LONG_BUSY_ORDER_1_SEC = 9903
    LONG_BUSY_ORDER_10_SEC = 9904
    LONG_BUSY_ORDER_100_SEC = 9905
    HARDWARE = -1
    FUNCTION = -2
    PRIVILEGE = -3
    PARAMETER = -4
    BAD_MODE = -5
    PTEG_FULL = -6
    NOT_FOUND = -7
    RESERVED_DABR = -8
    NOMEM = -9
    AUTHORITY = -10
    PERMISSION = -11
    DROPPED = -12
    S_PARM = -13
    D_PARM = -14
    R_PARM = -15
    RESOURCE = -16
    ADAPTER_PARM = -17
    RH_PARM = -18
    RCQ_PARM = -19
    SCQ_PARM = -20
    EQ_PARM = -21
    RT_PARM = -22
    ST_PARM = -23
    SIGT_PARM = -24
    TOKEN_PARM = -25
    MLENGTH_PARM = -27
    MEM_PARM = -28
    MEM_ACCESS_PARM = -29
    ATTR_PARM = -30
    PORT_PARM = -31
    MCG_PARM = -32
    VL_PARM = -33
    TSIZE_PARM = -34
    TRACE_PARM = -35
    MASK_PARM = -37
    MCG_FULL = -38
    ALIAS_EXIST = -39
    P_COUNTER = -40
    TABLE_FULL = -41
    ALT_TABLE = -42
    MR_CONDITION = -43
    NOT_ENOUGH_RESOURCES = -44
    R_STATE = -45
    RESCINDED = -46
    ABORTED = -54
    P2 = -55
    P3 = -56
    P4 = -57
    P5 = -58
    P6 = -59
    P7 = -60
    P8 = -61
    P9 = -62
    NOOP = -63
    TOO_BIG = -64
    UNSUPPORTED = -67
    OVERLAP = -68
    INTERRUPT = -69
    BAD_DATA = -70
    NOT_ACTIVE = -71
    SG_LIST = -72
    OP_MODE = -73
    COP_HW = -74
    STATE = -75
    RESERVED = -76
    IN_USE = -77
    UNSUPPORTED_FLAG_START = -256

    @classmethod
    def _missing_(cls, value: object) -> H | None:
        """The 63 codes behind UNSUPPORTED_FLAG_START: one for each bit of a doubleword."""
        if not isinstance(value, int) or not 0 < cls.UNSUPPORTED_FLAG_START - value < 64:
            return None
        code = int.__new__(cls, value)
        code._name_ = f"UNSUPPORTED_FLAG_{cls.UNSUPPORTED_FLAG_START - value}"
        code._value_ = value
        return code

    @classmethod
    def unsupported_flag(cls, flags: int) -> H:
        """The code that names the highest-order bit set in `flags`, which is not 0."""
        return cls(cls.UNSUPPORTED_FLAG_START - (64 - flags.bit_length()))

    @property
    def title(self) -> str:
        """The code as the specification spells it, for traces: `H_Parameter` is `H_PARAMETER`."""
        return f"H_{self.name}"


class HcallError(Exception):
    """The hypervisor refuses an hcall: `code` goes to R3, `results` to R4, R5, ..."""

    def __init__(self, code: H, why: str, *results: int) -> None:
        super().__init__(f"{code.title}: {why}")
        self.code, self.why, self.results = code, why, results
