"""Translated code beside Unicorn's x86, node by node, up to the first difference.

Read `cpu.py` first: a `Cpu` that drives both.  `stepped.py` runs translated code and tells of each
place where the program's state is known; `reference.py` brings Unicorn's x86 to the same place, in
storage of its own (`mirror.py`); `difference.py` says what is not equal, and `undefined.py` which
flags need not be.
"""
