"""The opcode maps of i686 (SDM volume 2, appendix A), as text that `tables.py` makes tables of.

Operands: E a register or storage by ModRM, G the register ModRM names, M storage only, R a whole
register or a word in storage, I an immediate, J a relative target, O an absolute address, S a
segment register, Z the register in the opcode; then b, w, v (by operand size), d, z (immediate, up
to 32 bits), s (a byte, sign-extended).  Plain names are registers, 1 is a constant.  `!` after a
name: LOCK is allowed.
"""

from __future__ import annotations

_ALU = ("add!", "or!", "adc!", "sbb!", "and!", "sub!", "xor!", "cmp")
_SHIFTS = ["rol", "ror", "rcl", "rcr", "shl", "shr", "shl", "sar"]


def _arithmetic() -> str:
    forms = ("Eb,Gb", "Ev,Gv", "Gb,Eb", "Gv,Ev", "al,Ib", "eax,Iz")
    lines = []
    for row, name in enumerate(_ALU):
        lines += [
            f"{8 * row + column:02x} {name if column < 2 else name.rstrip('!')} {operands}"
            for column, operands in enumerate(forms)
        ]
    return "\n".join(lines)


ONE_BYTE = (
    _arithmetic()
    + """
06 push es
07 pop es
0e push cs
16 push ss
17 pop ss
1e push ds
1f pop ds
27 daa
2f das
37 aaa
3f aas
40-47 inc Zv
48-4f dec Zv
50-57 push Zv
58-5f pop Zv
60 pusha
61 popa
62 bound Gv,Mv
63 arpl Ew,Gw
68 push Iz
69 imul Gv,Ev,Iz
6a push Is
6b imul Gv,Ev,Is
6c-6d ins
6e-6f outs
70-7f jcc Jb
84 test Eb,Gb
85 test Ev,Gv
86 xchg! Eb,Gb
87 xchg! Ev,Gv
88 mov Eb,Gb
89 mov Ev,Gv
8a mov Gb,Eb
8b mov Gv,Ev
8c mov Rv,Sw
8d lea Gv,M
8e mov Sw,Ew
90-97 xchg Zv,eax
98 cbw
99 cwd
9a lcall Iz,Iw
9b fwait
9c pushf
9d popf
9e sahf
9f lahf
a0 mov al,Ob
a1 mov eax,Ov
a2 mov Ob,al
a3 mov Ov,eax
a4 movs b
a5 movs v
a6 cmps b
a7 cmps v
a8 test al,Ib
a9 test eax,Iz
aa stos b
ab stos v
ac lods b
ad lods v
ae scas b
af scas v
b0-b7 mov Zb,Ib
b8-bf mov Zv,Iz
c2 ret Iw
c3 ret
c4 les Gv,Mv
c5 lds Gv,Mv
c8 enter Iw,Ib
c9 leave
ca lret Iw
cb lret
cc int3
cd int Ib
ce into
cf iret
d4 aam Ib
d5 aad Ib
d6 salc
d7 xlat
e0 loopne Jb
e1 loope Jb
e2 loop Jb
e3 jecxz Jb
e4-e5 in Ib
e6-e7 out Ib
e8 call Jz
e9 jmp Jz
ea ljmp Iz,Iw
eb jmp Jb
ec-ed in
ee-ef out
f4 hlt
f5 cmc
f8 clc
f9 stc
fa cli
fb sti
fc cld
fd std
"""
)

TWO_BYTE = """
02 lar Gv,Rw
03 lsl Gv,Rw
06 clts
08 invd
09 wbinvd
0b ud2
0d nop Ev
18-1f nop Ev
30 wrmsr
31 rdtsc
32 rdmsr
40-4f cmovcc Gv,Ev
80-8f jcc Jz
90-9f setcc Eb
a0 push fs
a1 pop fs
a2 cpuid
a3 bt Ev,Gv
a4 shld Ev,Gv,Ib
a5 shld Ev,Gv,cl
a8 push gs
a9 pop gs
ab bts! Ev,Gv
ac shrd Ev,Gv,Ib
ad shrd Ev,Gv,cl
af imul Gv,Ev
b0 cmpxchg! Eb,Gb
b1 cmpxchg! Ev,Gv
b2 lss Gv,Mv
b3 btr! Ev,Gv
b4 lfs Gv,Mv
b5 lgs Gv,Mv
b6 movzx Gv,Eb
b7 movzx Gv,Ew
b8 popcnt Gv,Ev
b9 ud2
bb btc! Ev,Gv
bc bsf Gv,Ev
bd bsr Gv,Ev
be movsx Gv,Eb
bf movsx Gv,Ew
c0 xadd! Eb,Gb
c1 xadd! Ev,Gv
c3 movnti Md,Gd
c8-cf bswap Zv
ff ud2
"""

LONG_ONE_BYTE = """63 movsxd Gv,Ed
06-07
0e
16-17
1e-1f
27
2f
37
3f
60-62
82
9a
c4-c5
ca-cb
ce-cf
d4-d6
ea"""
"""What 64-bit mode has instead of `ONE_BYTE`, or has not."""
LONG_TWO_BYTE = """05 syscall
c3 movnti Mv,Gv"""
STACK_OPERANDS = frozenset(
    [*range(0x50, 0x60), 0x68, 0x6A, 0x8F, 0x9C, 0x9D, 0xC8, 0xC9, 0x0FA0, 0x0FA1, 0x0FA8, 0x0FA9]
)
"""64-bit mode: operands are quadwords, or words with a prefix."""
NEAR = frozenset([*range(0x70, 0x80), *range(0x0F80, 0x0F90), 0xC2, 0xC3, 0xE8, 0xE9, 0xEB])
"""64-bit mode: branches, which know no other size."""

GROUPS = {
    **{
        opcode: [f"{name} {operands}" for name in _ALU]
        for opcode, operands in ((0x80, "Eb,Ib"), (0x81, "Ev,Iz"), (0x82, "Eb,Ib"), (0x83, "Ev,Is"))
    },
    **{
        opcode: [f"{name} {operands}" for name in _SHIFTS]
        for opcode, operands in (
            (0xC0, "Eb,Ib"),
            (0xC1, "Ev,Ib"),
            (0xD0, "Eb,1"),
            (0xD1, "Ev,1"),
            (0xD2, "Eb,cl"),
            (0xD3, "Ev,cl"),
        )
    },
    0x8F: ["pop Ev"] + [""] * 7,
    0xC6: ["mov Eb,Ib"] + [""] * 7,
    0xC7: ["mov Ev,Iz"] + [""] * 7,
    0xF6: [
        *("test Eb,Ib", "test Eb,Ib", "not! Eb", "neg! Eb"),
        *("mul Eb", "imul Eb", "div Eb", "idiv Eb"),
    ],
    0xF7: [
        *("test Ev,Iz", "test Ev,Iz", "not! Ev", "neg! Ev"),
        *("mul Ev", "imul Ev", "div Ev", "idiv Ev"),
    ],
    0xFE: ["inc! Eb", "dec! Eb"] + [""] * 6,
    0xFF: ["inc! Ev", "dec! Ev", "call Ev", "lcall Mv", "jmp Ev", "ljmp Mv", "push Ev", ""],
    0x0F00: [""] * 4 + ["verr Ew", "verw Ew", "", ""],
    0x0FBA: [""] * 4 + ["bt Ev,Ib", "bts! Ev,Ib", "btr! Ev,Ib", "btc! Ev,Ib"],
    0x0FC7: ["", "cmpxchg8b! Mq"] + [""] * 6,
}
"""By opcode: one line for each value of ModRM's reg field; empty: no instruction."""

SIMD = (
    {*range(0x10, 0x18), *range(0x28, 0x30), *range(0x50, 0x80), *range(0xD0, 0x100), 0x77}
    | {0xAE, 0xC2, 0xC4, 0xC5, 0xC6, 0xE7, 0x2B}
) - {0xFF}
"""Second opcode bytes of MMX, SSE and SSE2 (fences, FXSAVE and LDMXCSR among them).

Behind two bytes an opcode is written whole, as 0x0f3800.
"""
SIMD_IMMEDIATE = {0x70, 0x71, 0x72, 0x73, 0xC2, 0xC4, 0xC5, 0xC6}
"""Those with a byte after the operands."""
SIMD_NO_MODRM = {0x77}
