"""Exit statuses, the same for every command."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    OK = 0
    ERROR = 1
    USAGE = 2
    CRASH = 3
    TIMEOUT = 4
    HANG_UP = 129
    INTERRUPTED = 130
    OUTPUT_CLOSED = 141
    TERMINATED = 143


SIGNAL_BASE = 128

STATUS_HELP = """\b
Exit status:
  0    the guest powered off or gave the partition back, or you quit at the console
  1    the guest could not be booted
  2    the command was not understood
  3    the guest crashed; its registers are on standard error
  4    --timeout or --host-timeout passed
  129, 130, 143    hang-up, Ctrl-C (where it does not go to the guest), SIGTERM
  141  nobody reads the output any more
"""
