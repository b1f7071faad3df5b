"""The GDB remote serial protocol (GDB manual, appendix E), spoken by a POWER machine.

packets.py      bytes to packets and back: checksums, escapes, bounds
description.py  the registers a debugger sees, and the target description that tells it
commands.py     what each packet asks of a `Target` (target.py), and the answers
connection.py   the socket: one client, on the loopback interface unless told otherwise

Whoever runs the guest gives a `Target` and asks the `GdbConnection` between its runs.
"""

from .connection import GdbConnection
from .target import Resumption, Target

__all__ = ["GdbConnection", "Resumption", "Target"]
