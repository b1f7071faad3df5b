"""Who had which core: as turns, as lines and as a picture."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from hypervisor.dispatching.records import WINDOW
from pyphyp.timeline import PartitionName, Timeline, Turn, lines, recorded
from pyphyp.timeline_svg import timeline_svg

from .managed import CEDER, SPINNER, consumed, machine, shared

if TYPE_CHECKING:
    from collections.abc import Iterator

SVG = "{http://www.w3.org/2000/svg}"


def clipped(timeline: Timeline, turn: Turn) -> int:
    return min(turn.end, timeline.end) - max(turn.start, timeline.begin)


def test_turns_of_a_core_follow_each_other_and_add_up() -> None:
    with machine(2, [shared(50), shared(30, weight=1, virtual=2), shared(10)], SPINNER) as its:
        its.run(windows=30)
        timeline = recorded(its, 0, None, 100)
        assert (timeline.first, timeline.last, timeline.cores) == (0, 29, 2)
        for core in (0, 1):
            turns = [turn for turn in timeline.turns if turn.core == core]
            assert all(one.end <= other.start for one, other in pairwise(turns))
        for number, ticks in enumerate(consumed(its), start=1):
            had = [clipped(timeline, turn) for turn in timeline.turns if turn.partition == number]
            assert sum(had) == pytest.approx(ticks, abs=100)


def test_a_turn_that_is_not_over_is_among_them() -> None:
    with machine(1, [shared(100)], SPINNER) as its:
        its.run(windows=10)
        (turn,) = recorded(its, 0, None, 100).turns
        assert (turn.start, turn.preemption) == (0, "")
        assert turn.end == pytest.approx(10 * WINDOW, abs=100)


def test_no_more_windows_are_told_than_there_are_or_were_asked_for() -> None:
    with machine(1, [shared(50)], CEDER) as its:
        its.run(windows=20)
        assert [recorded(its, *asked).first for asked in ((None, None, 5), (3, 4, 9))] == [15, 3]
        assert [recorded(its, *asked).last for asked in ((3, None, 5), (3, 99, 9))] == [7, 11]
        beyond = recorded(its, 50, None, 5)
        assert (beyond.first, beyond.turns) == (50, ())


def test_too_many_turns_are_told_of_fewer_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyphyp.timeline.MOST_TURNS", 20)
    with machine(1, [shared(30), shared(20), shared(10)], SPINNER) as its:
        its.run(windows=20)
        told = recorded(its, 5, 19, 100)
        assert (told.first, len(told.turns) <= 20) == (5, True)
        assert 5 < told.last < 19
        assert {turn.start // WINDOW for turn in told.turns} >= {5, told.last}


@pytest.fixture
def timeline() -> Timeline:
    """Two windows from the 25th on; a turn across their border, one from before."""
    begin = 25 * WINDOW
    turns = (
        Turn(0, 1, 0, begin - 100, begin + WINDOW // 2, "decrementer", "time slice"),
        Turn(1, 2, 0, begin + WINDOW // 2, begin + WINDOW * 3 // 2, "hypervisor", ""),
    )
    names = (PartitionName(1, "web"), PartitionName(2, "<build & test>"), PartitionName(3, "off"))
    return Timeline("desk", 25, 26, 2, names, turns)


def test_lines_show_half_milliseconds(timeline: Timeline) -> None:
    assert list(lines(timeline)) == [
        "A  web",
        "B  <build & test>",
        ".  idle",
        "  window  core 0                core 1",
        "      25  AAAAAAAAAA..........  ..........BBBBBBBBBB",
        "      26  ....................  BBBBBBBBBB..........",
    ]


def boxes(picture: ElementTree.Element) -> Iterator[tuple[str, float, float]]:
    for box in picture.iter(f"{SVG}rect"):
        if (title := box.find(f"{SVG}title")) is not None:
            yield str(title.text), float(box.attrib["x"]), float(box.attrib["width"])


def test_the_picture_has_a_box_for_each_turn(timeline: Timeline) -> None:
    picture = ElementTree.fromstring(timeline_svg(timeline))
    (first, at, width), (second, later, long) = boxes(picture)
    assert first == (
        "web/0 on core 0, 250.000 to 255.000 ms; dispatched: decrementer; lost it: time slice"
    )
    assert second.startswith("<build & test>/0 on core 1, 255.000 to 265.000 ms")
    assert (later - at, long) == (width, 2 * width)
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert "<build & test>: 0.500 processors" in texts
    assert "web: 0.250 processors" in texts
    assert not any("off" in str(text) for text in texts)


def test_a_turn_that_goes_on_in_the_next_row_is_drawn_in_both() -> None:
    turn = Turn(0, 1, 0, 0, 30 * WINDOW, "hypervisor", "")
    long = Timeline("desk", 0, 29, 1, (PartitionName(1, "web"),), (turn,))
    first, second = boxes(ElementTree.fromstring(timeline_svg(long)))
    assert first[1] == second[1]
    assert first[2] == 2 * second[2]
