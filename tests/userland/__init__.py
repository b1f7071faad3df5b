"""Debian's programs in the guest and under qemu-ppc64le: the same words must come out.

    python -m tests.userland [NAME ...]

`programs.py` lists them as lines of shell, in which `run PROGRAM ...` is a program of the
packages' tree.  `guest.py` has them run in a partition, `reference.py` by QEMU's user emulation
on this host with the same tree (`-cpu power9`: libraries choose their code by HWCAP2, and so
choose the same).  What the two say is compared byte for byte.
"""
