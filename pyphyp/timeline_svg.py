"""A timeline as a picture: each core a band, each partition a colour, each window a box of 10 ms.

Windows run from left to right in rows; whoever points at a turn is told all about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from emu.engine import TIME_BASE_HZ
from hypervisor.dispatching.records import WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .timeline import Timeline, Turn

_WIDTH, _ROW_GAP, _BAND, _BAND_GAP = 60, 34, 18, 4
"""Of a window; between rows; of a core."""
_PER_ROW = 20
_LEFT, _TOP, _MARGIN = 60, 40, 10
_LEGEND_LINE = 18
_COLOURS = (
    *("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1"),
    *("#76b7b2", "#edc948", "#9c755f", "#ff9da7", "#86bcb6"),
)
_MS = TIME_BASE_HZ / 1000


def timeline_svg(timeline: Timeline) -> str:
    """The whole picture, as text of an SVG file."""
    windows = timeline.last - timeline.first + 1
    rows = -(-windows // _PER_ROW)
    legend = len(_shown(timeline)) * _LEGEND_LINE
    width = _LEFT + min(windows, _PER_ROW) * _WIDTH + _MARGIN
    height = _TOP + rows * _row_height(timeline) + legend + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{_MARGIN}" y="20" font-size="14">{_title(timeline)}</text>',
        *(part for row in range(rows) for part in _frame(timeline, row)),
        *(part for turn in timeline.turns for part in _boxes(timeline, turn)),
        *_legend(timeline, _TOP + rows * _row_height(timeline)),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _title(timeline: Timeline) -> str:
    begin, end = timeline.begin / TIME_BASE_HZ, timeline.end / TIME_BASE_HZ
    windows = f"windows {timeline.first} to {timeline.last}"
    return escape(f"{timeline.machine}: {windows}, {begin:.2f} s to {end:.2f} s")


def _row_height(timeline: Timeline) -> int:
    return timeline.cores * (_BAND + _BAND_GAP) + _ROW_GAP


def _band_top(timeline: Timeline, row: int, core: int) -> int:
    return _TOP + row * _row_height(timeline) + _ROW_GAP // 2 + core * (_BAND + _BAND_GAP)


def _frame(timeline: Timeline, row: int) -> Iterator[str]:
    """The bands of a row, its windows' borders and numbers."""
    first = timeline.first + row * _PER_ROW
    count = min(_PER_ROW, timeline.last - first + 1)
    top = _band_top(timeline, row, 0)
    bottom = _band_top(timeline, row, timeline.cores) - _BAND_GAP
    for core in range(timeline.cores):
        y = _band_top(timeline, row, core)
        yield f'<text x="{_MARGIN}" y="{y + 13}">core {core}</text>'
        yield (
            f'<rect x="{_LEFT}" y="{y}" width="{count * _WIDTH}" height="{_BAND}" fill="#eeeeee"/>'
        )
    for n in range(count + 1):
        x = _LEFT + n * _WIDTH
        yield f'<line x1="{x}" y1="{top - 3}" x2="{x}" y2="{bottom + 3}" stroke="#999999"/>'
        if n < count:
            yield f'<text x="{x + 2}" y="{top - 4}" fill="#666666">{first + n}</text>'


def _boxes(timeline: Timeline, turn: Turn) -> Iterator[str]:
    """A turn; one that goes on in another row is a box in each."""
    start, end = max(turn.start, timeline.begin), min(turn.end, timeline.end)
    row_ticks = _PER_ROW * WINDOW
    while start < end:
        row = (start - timeline.begin) // row_ticks
        begins = timeline.begin + row * row_ticks
        until = min(end, begins + row_ticks)
        x = _LEFT + (start - begins) * _WIDTH / WINDOW
        width = (until - start) * _WIDTH / WINDOW
        yield (
            f'<rect x="{x:.2f}" y="{_band_top(timeline, row, turn.core)}" width="{width:.2f}" '
            f'height="{_BAND}" fill="{_colour(timeline, turn.partition)}">'
            f"<title>{escape(_words(timeline, turn))}</title></rect>"
        )
        start = until


def _words(timeline: Timeline, turn: Turn) -> str:
    names = {its.number: its.name for its in timeline.partitions}
    lost = f"; lost it: {turn.preemption}" if turn.preemption else ""
    return (
        f"{names.get(turn.partition, turn.partition)}/{turn.processor} on core {turn.core}, "
        f"{turn.start / _MS:.3f} to {turn.end / _MS:.3f} ms; "
        f"dispatched: {turn.reason}{lost}"
    )


def _colour(timeline: Timeline, partition: int) -> str:
    order = [its.number for its in timeline.partitions].index(partition)
    return _COLOURS[order % len(_COLOURS)]


def _shown(timeline: Timeline) -> list[tuple[int, str, int]]:
    """Who had a core, and for how long."""
    had: dict[int, int] = {}
    for turn in timeline.turns:
        ticks = min(turn.end, timeline.end) - max(turn.start, timeline.begin)
        had[turn.partition] = had.get(turn.partition, 0) + ticks
    names = timeline.partitions
    return [(its.number, its.name, had[its.number]) for its in names if its.number in had]


def _legend(timeline: Timeline, top: int) -> Iterator[str]:
    elapsed = timeline.end - timeline.begin
    for n, (number, name, ticks) in enumerate(_shown(timeline)):
        y = top + n * _LEGEND_LINE
        colour = _colour(timeline, number)
        yield f'<rect x="{_LEFT}" y="{y}" width="12" height="12" fill="{colour}"/>'
        words = escape(f"{name}: {ticks / elapsed:.3f} processors")
        yield f'<text x="{_LEFT + 18}" y="{y + 10}">{words}</text>'
