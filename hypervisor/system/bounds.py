"""A minimum, a desired and a maximum number, as profiles have them."""

from __future__ import annotations

from typing import Generic, TypeVar

from emu.values import frozen

NumberT = TypeVar("NumberT", bound=int)


@frozen
class Bounds(Generic[NumberT]):
    """A profile's minimum, desired and maximum of something."""

    minimum: NumberT
    desired: NumberT
    maximum: NumberT

    @classmethod
    def exactly(cls, number: NumberT) -> Bounds[NumberT]:
        return cls(number, number, number)

    def by_kind(self) -> tuple[tuple[str, NumberT], ...]:
        """The three with their names."""
        return (
            ("minimum", self.minimum),
            ("desired", self.desired),
            ("maximum", self.maximum),
        )
