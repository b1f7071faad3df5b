"""What somebody perhaps meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, words: Iterable[str], most: int = 1) -> list[str]:
    """Those of `words` that are most like `word`, `most` of them at most."""
    import difflib  # which is for mistakes

    return difflib.get_close_matches(word, list(words), n=most)
