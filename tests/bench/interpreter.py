"""Debian's Python in the guest, and a program for it: floats, containers, strings, a digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guests.cpio import File
from guests.userland import fetch_userland

from .systems import Silent

if TYPE_CHECKING:
    from guests.linux import LinuxGuest

COMMAND = "python3 -S /bench.py"
ANSWER = "-0.169228789 1.274167288 6254 d68dd991"
"""What the program prints, on any machine."""

PROGRAM = '''\
"""Three small classics and a dictionary of words; prints what it found."""

import math
import zlib


def nbody(steps):
    """The energy of the Sun and its four giants after so many steps."""
    year, sun = 365.24, 4 * math.pi**2
    bodies = [
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], sun),
        ([4.841431442, -1.160320044, -0.103622044],
         [0.001660076642 * year, 0.007699011184 * year, -0.0000690460017 * year],
         0.000954792 * sun),
        ([8.343366718, 4.124798564, -0.403523417],
         [-0.002767425107 * year, 0.004998528012 * year, 0.0000230417297 * year],
         0.000285886 * sun),
        ([12.89436956, -15.11115140, -0.223307579],
         [0.002964601376 * year, 0.002378471739 * year, -0.0000296589568 * year],
         0.0000436624 * sun),
        ([15.37969711, -25.91931461, 0.179258773],
         [0.002680677725 * year, 0.001628241700 * year, -0.0000951592255 * year],
         0.0000515139 * sun),
    ]
    pairs = [(a, b) for n, a in enumerate(bodies) for b in bodies[n + 1 :]]
    for _ in range(steps):
        for (p, v, m), (q, w, n) in pairs:
            x, y, z = p[0] - q[0], p[1] - q[1], p[2] - q[2]
            pull = 0.01 * (x * x + y * y + z * z) ** -1.5
            for axis, d in enumerate((x, y, z)):
                v[axis] -= d * n * pull
                w[axis] += d * m * pull
        for p, v, _ in bodies:
            for axis in range(3):
                p[axis] += 0.01 * v[axis]
    energy = sum(m * math.hypot(*v) ** 2 / 2 for _, v, m in bodies)
    return energy - sum(m * n / math.dist(p, q) for (p, _, m), (q, _, n) in pairs)


def spectral_norm(size):
    """The spectral norm of the matrix whose elements are 1 / (triangle(i + j) + i + 1)."""
    def times(v, element):
        return [sum(element(i, j) * x for j, x in enumerate(v)) for i in range(size)]

    def row(i, j):
        return 1 / ((i + j) * (i + j + 1) // 2 + i + 1)

    u = [1.0] * size
    for _ in range(3):
        v = times(times(u, row), lambda i, j: row(j, i))
        u = times(times(v, row), lambda i, j: row(j, i))
    return math.sqrt(sum(a * b for a, b in zip(u, v)) / sum(b * b for b in v))


def words(count):
    """How many different words a small generator gives, and a digest of them sorted."""
    seen, state = {}, 1
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        word = "".join(chr(97 + (state >> shift) % 26) for shift in (8, 13, 18))
        seen[word] = seen.get(word, 0) + 1
    text = " ".join(f"{word}:{n}" for word, n in sorted(seen.items()))
    return f"{len(seen)} {zlib.crc32(text.encode()):08x}"


print(f"{nbody(400):.9f} {spectral_norm(40):.9f} {words(8000)}")
'''


def initramfs(guest: LinuxGuest, script: str) -> bytes:
    """An initial file system with Python and the program, that runs `script`."""
    python = fetch_userland(["python3-minimal"], Silent())
    return guest.initramfs({"bench.py": File(PROGRAM.encode())}, script, python)
