"""Claimed storage never overlaps and is never lost."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.claims import CLAIM_LIMIT, ClaimError, Claims

SIZE = 0x10000

requests = st.lists(
    st.tuples(
        st.sampled_from(("at", "any", "release")),
        st.integers(-1, SIZE),
        st.integers(-1, SIZE // 4),
        st.sampled_from((0, 1, 3, 0x10, 0x1000)),
    ),
    max_size=60,
)


@given(requests)
def test_claimed_and_available_always_make_up_the_whole(
    steps: list[tuple[str, int, int, int]],
) -> None:
    claims = Claims(SIZE)
    for what, base, size, alignment in steps:
        try:
            if what == "at":
                assert claims.claim_at(base, size) == base
            elif what == "any":
                assert claims.claim(size, alignment) % alignment == 0
            else:
                claims.release(base, size)
        except ClaimError:
            pass
        pieces = sorted([*claims, *claims.available()])
        assert all(left.end == right.base for left, right in itertools.pairwise(pieces))
        assert (pieces[0].base, pieces[-1].end) == (0, SIZE)
        assert all(piece.size > 0 for piece in pieces)


def test_the_number_of_claims_is_bounded() -> None:
    claims = Claims(1 << 30)
    for n in range(CLAIM_LIMIT):
        claims.claim_at(n * 2, 1)
    with pytest.raises(ClaimError, match="release one"):
        claims.claim(1, 1)


def test_storage_above_4_gib_is_not_given_out() -> None:
    assert [piece.end for piece in Claims(1 << 33).available()] == [1 << 32]
