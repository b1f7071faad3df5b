"""x86 code from its text."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from pathlib import Path


@functools.cache
def assembled(source: str, *, long: bool) -> bytes:
    """Machine code of a text."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "code"
        mode = "--64" if long else "--32"
        subprocess.run(
            ["as", mode, "-o", f"{out}.o"], input=f".intel_syntax noprefix\n{source}\n.byte 0x90\n",
            text=True, check=True,
        )  # fmt: skip
        subprocess.run(["objcopy", "-Obinary", "-j.text", f"{out}.o", out], check=True)
        return out.read_bytes()
