"""The state of a random generator (the Mersenne Twister of Python's `random`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from emu.state import U32, Length, record

if TYPE_CHECKING:
    import random

_VERSION, _WORDS = 3, 624


@record
class GeneratorState:
    words: Annotated[tuple[U32, ...], Length(_WORDS, _WORDS)]
    next_word: Annotated[int, range(_WORDS + 1)]


def generator_state(generator: random.Random) -> GeneratorState:
    """Of a generator that gave out whole numbers only."""
    _, words, _ = generator.getstate()
    return GeneratorState(words[:_WORDS], words[_WORDS])


def restore_generator(generator: random.Random, state: GeneratorState) -> None:
    generator.setstate((_VERSION, (*state.words, state.next_word), None))
