"""The real gdb, in batch mode, against a partition of this process."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from hypervisor.partition import Outcome
    from pyphyp import Partition

GDB = shutil.which("gdb-multiarch")
needs_gdb = pytest.mark.skipif(GDB is None, reason="gdb-multiarch is not installed")
SECONDS = 60


def debug(
    partition: Partition, *commands: str, program: Path | None = None, seconds: float | None = None
) -> tuple[str, Outcome | None]:
    """Run `partition` under gdb with these commands; what gdb said, and how the run ended."""
    assert GDB is not None
    host, port = partition.gdb_server().address
    arguments = [GDB, "-nx", "-q", "-batch", "-ex", "set confirm off", "-ex", "set width 0"]
    for command in (f"target remote {host}:{port}", *commands):
        arguments += ["-ex", command]
    if program is not None:
        arguments.append(str(program))
    with tempfile.TemporaryFile("w+") as output:
        gdb = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        late = threading.Timer(SECONDS, gdb.kill)
        late.start()

        def end_with_gdb() -> None:
            gdb.wait()
            partition.stop()

        # A guest that gdb leaves running would run for ever.
        waiting = threading.Thread(target=end_with_gdb)
        waiting.start()
        try:
            outcome = partition.run(seconds=seconds)
        finally:
            gdb.wait()
            late.cancel()
            waiting.join()
        output.seek(0)
        return output.read(), outcome
