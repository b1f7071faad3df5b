"""Storage for the programs of an architecture, of which a test may have more than one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lx86.spaces import SPACE_32, SPACE_64_TWICE
from lx86.storage import Storage

if TYPE_CHECKING:
    from lx86.architecture import Architecture


def storage_for(architecture: Architecture) -> Storage:
    return Storage(SPACE_64_TWICE if architecture.long else SPACE_32)
