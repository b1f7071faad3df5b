"""What all tables of guest calls share: hcalls, RTAS calls, client interface services.

Each declares ordinary functions as handlers, counts its calls, and lets interceptors (traces,
scripts) look on, change and answer them.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    Results = int | tuple[int, ...] | None
    Handler = Callable[..., Results]

EventT = TypeVar("EventT")
EventT_contra = TypeVar("EventT_contra", contravariant=True)


class Interceptor(Protocol[EventT_contra]):
    """Sees every call of a table; installed by traces and by scripts."""

    def before(self, event: EventT_contra) -> None: ...
    def replace(self, event: EventT_contra) -> tuple[int, ...] | None:
        """The results to give instead of calling the handler, or None to call it."""

    def after(self, event: EventT_contra) -> None: ...


class Interceptors(list[Interceptor[EventT]]):
    """A table's interceptors, in the order they see a call; none, if nobody looks on."""

    def before(self, event: EventT) -> tuple[int, ...] | None:
        """Let all of them see the call; the results of one that answers it, or None."""
        for interceptor in self:
            interceptor.before(event)
        for interceptor in self:
            if (results := interceptor.replace(event)) is not None:
                return results
        return None

    def after(self, event: EventT) -> None:
        for interceptor in self:
            interceptor.after(event)


def as_results(returned: Results) -> tuple[int, ...]:
    """What a handler returned, as the values that go to the guest."""
    if returned is None:
        return ()
    return returned if isinstance(returned, tuple) else (returned,)


def summary(handler: Handler) -> str:
    """The first line of the handler's docstring."""
    return (inspect.getdoc(handler) or "").partition("\n")[0]
