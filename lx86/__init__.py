"""Lx86: i386 and x86-64 Linux programs on a POWER processor.

`cpu` is where the two halves meet.  Below it x86 instructions are carried out: translated to POWER
instructions, or, as a reference to compare with, by Unicorn's own x86.  Above it, in `linux`, is
what a kernel does for a program.  `storage` is the program's address space, which both use.

Words and layouts are those of the Intel 64 and IA-32 Architectures Software Developer's Manual
(SDM), of the System V ABI's Intel386 and AMD64 supplements, and of Linux's own headers.
"""
