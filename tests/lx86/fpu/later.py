"""Cases of what came after SSE2, by name: so many of each, with registers and with storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lx86.architecture import I386, Architecture
from lx86.cpuid import More
from lx86.three_bytes import FORMS, MOVBE

from . import cases, native
from .native import Case

if TYPE_CHECKING:
    from random import Random


class Code(NamedTuple):
    prefix: bytes
    opcode: bytes
    immediate: bool = False
    field: int | None = None
    """ModRM's reg field, where it is part of the opcode."""
    forms: str = "rm"
    """With registers, with storage."""
    general: str = ""
    """reg, rm: operands that are general registers."""


def _plain(text: str) -> dict[str, Code]:
    found = {}
    for line in text.strip().split("\n"):
        name, prefix, opcode, *rest = line.split()
        found[name] = Code(
            b"" if prefix == "-" else bytes.fromhex(prefix), bytes.fromhex(opcode),
            forms=rest[0] if rest else "rm",
        )  # fmt: skip
    return found


SSE3 = _plain("""
addsubpd 66 0fd0
addsubps f2 0fd0
haddpd 66 0f7c
haddps f2 0f7c
hsubpd 66 0f7d
hsubps f2 0f7d
lddqu f2 0ff0 m
movddup f2 0f12
movshdup f3 0f16
movsldup f3 0f12
""") | {
    "fisttp word": Code(b"", b"\xdf", field=1, forms="m"),
    "fisttp dword": Code(b"", b"\xdb", field=1, forms="m"),
    "fisttp qword": Code(b"", b"\xdd", field=1, forms="m"),
}


def _three_bytes(needs: More, *, mmx: bool = False) -> dict[str, Code]:
    """All of that set, from the decoder's own list of names."""
    found = {}
    for opcode, form in FORMS.items():
        if form.needs is not needs or opcode in MOVBE or (mmx and not form.mmx):
            continue
        general = ("rm " if form.general else "") + ("ecx " if opcode in _COUNTS else "")
        found[form.name + (" mm" if mmx else "")] = Code(
            b"" if mmx else b"\x66", opcode.to_bytes(3, "big"), opcode >> 8 == 0x0F3A,
            forms="m" if form.storage_only else "rm", general=general,
        )  # fmt: skip
    return found


_ALPHABET = bytes((0, 1, 1, 2, 2, 3, 0x80, 0xFF))
_COUNTS = (0x0F3A61, 0x0F3A63)
SSSE3 = _three_bytes(More.SSSE3) | _three_bytes(More.SSSE3, mmx=True)
SSE4 = _three_bytes(More.SSE41) | _three_bytes(More.SSE42)
AES = _three_bytes(More.AES) | _three_bytes(More.PCLMULQDQ)
STRINGS = {name: code for name, code in SSE4.items() if name.startswith(("pcmpestr", "pcmpistr"))}
GENERAL = {
    "crc32 byte": Code(b"\xf2", b"\x0f\x38\xf0", general="reg rm"),
    "crc32": Code(b"\xf2", b"\x0f\x38\xf1", general="reg rm"),
    "crc32 word": Code(b"\x66\xf2", b"\x0f\x38\xf1", general="reg rm"),
    "popcnt": Code(b"\xf3", b"\x0f\xb8", general="reg rm"),
    "popcnt word": Code(b"\x66\xf3", b"\x0f\xb8", general="reg rm"),
}
MOVBES = {
    "movbe": Code(b"", b"\x0f\x38\xf0", forms="m", general="reg"),
    "movbe word": Code(b"\x66", b"\x0f\x38\xf0", forms="m", general="reg"),
    "movbe to storage": Code(b"", b"\x0f\x38\xf1", forms="m", general="reg"),
    "movbe word to storage": Code(b"\x66", b"\x0f\x38\xf1", forms="m", general="reg"),
}


def made(
    r: Random, codes: dict[str, Code], count: int, architecture: Architecture = I386, *,
    masked: bool = True,
) -> list[Case]:  # fmt: skip
    """`count` of each name and form; `masked`: no exception traps."""
    return [
        _case(r, code, form, architecture, masked=masked)
        for code in codes.values()
        for form in code.forms
        for _ in range(count)
    ]


def with_strings(r: Random, tried: list[Case]) -> list[Case]:
    """The same, with vectors of a few different bytes, zero among them, and short lengths."""
    for case in tried:
        for n in (0, 2):
            case.general[n] = r.randrange(-20, 20) & (1 << case.architecture.bits) - 1
        floating, zeros = case.floating, r.randrange(2)
        texts = [bytes(r.choices(_ALPHABET[zeros:], k=16)) for _ in range(8 + len(floating.xmm))]
        floating.xmm = [int.from_bytes(text, "little") for text in texts[8:]]
        case.storage = b"".join(texts[:8])
    return tried


def _number(r: Random, general: bool, architecture: Architecture) -> int:
    return r.choice(native.USED[architecture]) if general else r.randrange(architecture.vectors)


def _case(r: Random, code: Code, form: str, architecture: Architecture, *, masked: bool) -> Case:
    reg = code.field
    if reg is None:
        reg = _number(r, "reg" in code.general, architecture)
    rm = 6 if form == "m" else _number(r, "rm" in code.general, architecture)
    modrm = (0 if form == "m" else 0xC0) | (reg & 7) << 3 | rm & 7
    rex = b""
    if architecture.long:
        wide = r.getrandbits(1) << 3 if code.field is None else 0
        rex = bytes([0x40 | wide | reg >> 3 << 2 | rm >> 3])
    text = code.prefix + rex + code.opcode + bytes([modrm])
    if code.immediate:
        text += bytes([r.choice([r.getrandbits(8), r.randrange(20)])])
    floating = cases.state(r, architecture, masked=masked, denormals_are_zero=False)
    general = [
        r.choice((n, r.randrange(40))) if n != native.STORAGE else n
        for n in cases.general(r, architecture)
    ]
    data = cases.random_storage(r)
    eflags = 0x202 | r.getrandbits(16) & 0x8D5
    return Case(text, floating, general, eflags, data, architecture=architecture)
