"""Three-byte opcodes of SSSE3, SSE4, AES-NI and PCLMULQDQ (SDM volume 2, A-4 and A-5), as text.

A line: the map and the opcode, the mnemonic, its set, the bytes of its storage operand; then
`mmx` if there is a form without prefix 66 for MMX, `m` if storage is the only operand, `rm` or
`reg` if that operand of ModRM is a general register, `none` if no XMM register is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .cpuid import More

if TYPE_CHECKING:
    from collections.abc import Sequence

_TEXT = """
0f3800 pshufb SSSE3 16 mmx
0f3801 phaddw SSSE3 16 mmx
0f3802 phaddd SSSE3 16 mmx
0f3803 phaddsw SSSE3 16 mmx
0f3804 pmaddubsw SSSE3 16 mmx
0f3805 phsubw SSSE3 16 mmx
0f3806 phsubd SSSE3 16 mmx
0f3807 phsubsw SSSE3 16 mmx
0f3808 psignb SSSE3 16 mmx
0f3809 psignw SSSE3 16 mmx
0f380a psignd SSSE3 16 mmx
0f380b pmulhrsw SSSE3 16 mmx
0f381c pabsb SSSE3 16 mmx
0f381d pabsw SSSE3 16 mmx
0f381e pabsd SSSE3 16 mmx
0f3a0f palignr SSSE3 16 mmx
0f3810 pblendvb SSE41 16
0f3814 blendvps SSE41 16
0f3815 blendvpd SSE41 16
0f3817 ptest SSE41 16 none
0f3820 pmovsxbw SSE41 8
0f3821 pmovsxbd SSE41 4
0f3822 pmovsxbq SSE41 2
0f3823 pmovsxwd SSE41 8
0f3824 pmovsxwq SSE41 4
0f3825 pmovsxdq SSE41 8
0f3828 pmuldq SSE41 16
0f3829 pcmpeqq SSE41 16
0f382a movntdqa SSE41 16 m
0f382b packusdw SSE41 16
0f3830 pmovzxbw SSE41 8
0f3831 pmovzxbd SSE41 4
0f3832 pmovzxbq SSE41 2
0f3833 pmovzxwd SSE41 8
0f3834 pmovzxwq SSE41 4
0f3835 pmovzxdq SSE41 8
0f3838 pminsb SSE41 16
0f3839 pminsd SSE41 16
0f383a pminuw SSE41 16
0f383b pminud SSE41 16
0f383c pmaxsb SSE41 16
0f383d pmaxsd SSE41 16
0f383e pmaxuw SSE41 16
0f383f pmaxud SSE41 16
0f3840 pmulld SSE41 16
0f3841 phminposuw SSE41 16
0f3a08 roundps SSE41 16
0f3a09 roundpd SSE41 16
0f3a0a roundss SSE41 4
0f3a0b roundsd SSE41 8
0f3a0c blendps SSE41 16
0f3a0d blendpd SSE41 16
0f3a0e pblendw SSE41 16
0f3a14 pextrb SSE41 1 none rm
0f3a15 pextrw SSE41 2 none rm
0f3a16 pextrd SSE41 4 none rm
0f3a17 extractps SSE41 4 none rm
0f3a20 pinsrb SSE41 1 rm
0f3a21 insertps SSE41 4
0f3a22 pinsrd SSE41 4 rm
0f3a40 dpps SSE41 16
0f3a41 dppd SSE41 16
0f3a42 mpsadbw SSE41 16
0f3837 pcmpgtq SSE42 16
0f3a60 pcmpestrm SSE42 16
0f3a61 pcmpestri SSE42 16 none
0f3a62 pcmpistrm SSE42 16
0f3a63 pcmpistri SSE42 16 none
0f38db aesimc AES 16
0f38dc aesenc AES 16
0f38dd aesenclast AES 16
0f38de aesdec AES 16
0f38df aesdeclast AES 16
0f3adf aeskeygenassist AES 16
0f3a44 pclmulqdq PCLMULQDQ 16
0f38f0 crc32 SSE42 1 rm none
0f38f1 crc32 SSE42 4 rm none
"""


@dataclass(frozen=True, slots=True)
class Form:
    """One of them; `size` in bytes."""

    name: str
    needs: More
    size: int
    mmx: bool
    storage_only: bool
    general: bool
    """ModRM's rm is a general register, where it is none in storage; with REX.W of 64 bits."""
    writes: bool
    """An XMM register, or MMX's."""


def _forms() -> dict[int, Form]:
    found = {}
    for line in _TEXT.strip().split("\n"):
        opcode, name, needs, size, *rest = line.split()
        found[int(opcode, 16)] = Form(
            name, More[needs], int(size), "mmx" in rest, "m" in rest, "rm" in rest,
            "none" not in rest,
        )  # fmt: skip
    return found


FORMS = _forms()
"""By map and opcode: 0x0f3800 and 0x0f3a00 upward."""
THREE_BYTES = "simd3"
"""What an `Instruction` of these is called."""

MOVBE = (0x0F38F0, 0x0F38F1)
"""Load, store: without prefix F2, which makes CRC32 of it."""
FLAGS = frozenset((0x0F3817, *range(0x0F3A60, 0x0F3A64)))
"""Those that replace all flags: PTEST, and comparisons of strings."""


def text(opcode: int, prefix: int, reg: int, rm: int, operands: Sequence[object]) -> str:
    """Mnemonic and operands; `rm` is -1 if that is in storage."""
    form = FORMS[opcode]
    if opcode in MOVBE:
        names = [f"r{reg}", *([f"r{rm}"] if rm >= 0 else []), *map(str, operands)]
        if prefix == 0xF2:
            return f"crc32 {', '.join(names)}"
        return f"movbe {', '.join(names if opcode == MOVBE[0] else reversed(names))}"
    vector = "xmm" if prefix else "mm"
    names = [f"{vector}{reg}"]
    if rm >= 0:
        names.append(f"{'r' if form.general else vector}{rm}")
    if form.general and not form.writes:  # PEXTRB and its kin: what is named second is read
        first = names.pop() if rm >= 0 else str(operands[0])
        return f"{form.name} {', '.join((first, names[0], str(operands[-1])))}"
    return f"{form.name} {', '.join([*names, *map(str, operands)])}"


def is_defined(opcode: int, prefix: int, storage: bool, more: More) -> bool:
    """`more`: the sets that are there."""
    if opcode in MOVBE and prefix in (0, 0x66):
        return bool(more & More.MOVBE) and storage
    form = FORMS.get(opcode)
    if form is None or not more & form.needs or (form.storage_only and not storage):
        return False
    if opcode in MOVBE:
        return prefix == 0xF2
    return prefix == 0x66 or (form.mmx and not prefix)
