"""A partition of a managed machine at another one's console, by hypercalls."""

from __future__ import annotations

from dataclasses import replace

from emu.assembler import assemble
from hypervisor.vio.adapter import Slot
from hypervisor.vio.configuration import TerminalServer
from pyphyp.flat import from_program
from pyphyp.managed import ManagedMachine

from .managed import dedicated, system

SERVER, CONSOLE = Slot(10), Slot(0)
SENT, HEARD, SUM = 0x20000, 0x20008, 0x20010
_CALL = """
.macro hcall number
        li      r3,\\number
        sc      1
.endm
        .org    0x1000
_start:
        load64  r20,0x20000
        li      r14,0
        li      r15,0
        li      r16,0
"""
# r14 counts what was sent, r15 the characters heard, r16 is a sum of them that minds their order.
_HEAR = """
        hcall   0x54            # H_GET_TERM_CHAR
        add     r15,r15,r4
        rotldi  r16,r16,1
        xor     r16,r16,r5
        std     r15,8(r20)
        std     r16,16(r20)
"""
TYPES = f"""{_CALL}
1:      load64  r4,{SERVER.unit:#x}
        li      r5,2
        load64  r6,{CONSOLE.unit:#x}
        hcall   0x154           # H_REGISTER_VTERM
        cmpdi   r3,0
        bne     1b
2:      load64  r4,{SERVER.unit:#x}
        li      r5,8
        mr      r6,r14
        hcall   0x58            # H_PUT_TERM_CHAR
        cmpdi   r3,0
        bne     3f
        addi    r14,r14,1
        std     r14,0(r20)
3:      load64  r4,{SERVER.unit:#x}
        {_HEAR}
        b       2b
"""
ECHOES = f"""{_CALL}
1:      load64  r4,{CONSOLE.unit:#x}
        {_HEAR}
        cmpdi   r4,0
        beq     1b
        mr      r7,r6
        mr      r6,r5
        mr      r5,r4
2:      load64  r4,{CONSOLE.unit:#x}
        hcall   0x58            # H_PUT_TERM_CHAR
        cmpdi   r3,0
        bne     2b
        addi    r14,r14,1
        std     r14,0(r20)
        b       1b
"""
STARTS = {"lpar1": from_program(assemble(TYPES)), "lpar2": from_program(assemble(ECHOES))}


def course(threads: int) -> tuple[list[list[int]], list[dict[int, int]]]:
    """What both counted, and their hypercalls."""
    its = system(2, [dedicated(1), dedicated(1)])
    server = replace(its.partitions[0], terminal_servers=(TerminalServer(10, "lpar2"),))
    its = replace(its, partitions=(server, its.partitions[1]))
    with ManagedMachine(its, epoch=0, host_threads=threads, starts=STARTS) as machine:
        machine.power_on()
        machine.run(windows=12)
        both = [machine.partitions[name] for name in STARTS]
        counts = [[each.memory.u64(at) for at in (SENT, HEARD, SUM)] for each in both]
        return counts, [dict(each.composition.partition.hcall_counts) for each in both]


def test_what_a_server_terminal_types_and_hears_is_the_same_with_1_and_2_host_threads() -> None:
    (typed, echoed), calls = course(1)
    assert typed[0] * 8 >= echoed[1] >= typed[1] > 0
    assert echoed[0] > 0
    assert course(2) == ([typed, echoed], calls)
