"""Tasks side by side on threads of the host."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from pyphyp.lanes import Lanes


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_every_task_is_carried_out_once(threads: int, count: int) -> None:
    done: list[int] = []
    with closing(Lanes(threads)) as lanes:
        for _ in range(20):
            done.clear()
            lanes.carry_out([lambda n=n: done.append(n) for n in range(count)])  # type: ignore[misc]
            assert sorted(done) == list(range(count))


def test_tasks_run_side_by_side() -> None:
    both = threading.Barrier(2, timeout=20)
    with closing(Lanes(2)) as lanes:
        lanes.carry_out([both.wait, both.wait])  # type: ignore[list-item]


def test_what_a_task_raises_comes_out_when_all_have_ended() -> None:
    done: list[int] = []

    def fails() -> None:
        raise KeyError("one")

    with closing(Lanes(2)) as lanes:
        with pytest.raises(KeyError, match="one"):
            lanes.carry_out([fails, lambda: done.append(1), lambda: done.append(2)])
        assert sorted(done) == [1, 2]
        lanes.carry_out([lambda: done.append(3)])
        assert done[-1] == 3


def test_closing_ends_the_threads() -> None:
    before = threading.active_count()
    Lanes(4).close()
    assert threading.active_count() == before
