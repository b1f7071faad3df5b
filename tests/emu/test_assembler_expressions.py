"""Expressions give what C gives, and what Python gives where the two agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.assembler import AssemblyError, assemble


def value_of(expression: str, before: str = "") -> int:
    return assemble(f"{before}\nvalue = {expression}").symbols["value"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0x10 + 0b101 + 010 + 1_000", 16 + 5 + 8 + 1000),
        ("'a' + 'b", 97 + 98),
        ("'\\n'", 10),
        ("'\\x41'", 65),
        ("';' + '#' + '\"'", 59 + 35 + 34),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7 / -2", -3),
        ("1 | 6 ^ 4 & 5", 3),
        ("1 + 2 << 3 - 1", 12),
        ("1 < 2 == 1", 1),
        ("2 && 0 || 3", 1),
        ("!5 + !0", 1),
        ("~0", -1),
        ("1 ? 2 : 0 ? 3 : 4", 2),
        ("0 ? 1 / 0 : 5", 5),
        ("0 && 1 / 0", 0),
        ("(1 << 64) - 1", 2**64 - 1),
        ("-1 >> 4", -1),
        ("0x123456789abcdef0@highest", 0x1234),
        ("0x123456789abcdef0@higher", 0x5678),
        ("0x123456789abcdef0@h", 0x9ABC),
        ("0x123456789abcdef0@l", 0xDEF0),
        ("0x123456789abcdef0@ha", 0x9ABD),
        ("0xffff8000@highera", 1),
    ],
)
def test_expression(expression: str, value: int) -> None:
    assert value_of(expression) == value


def test_the_difference_of_two_labels_is_known_in_the_first_pass() -> None:
    source = "a: nop; nop\nb:\n.space b - a\n.if b > a && b - a == 8\nok = 1\n.endif"
    assert assemble(source).symbols["ok"] == 1


def test_the_product_of_two_labels_is_known_in_the_second_pass_only() -> None:
    assert value_of("a * b", "nop; a: nop; b:") == 4 * 8
    with pytest.raises(AssemblyError, match="not known yet"):
        assemble("a: nop\n.space a * 2")


OPERATORS = ("+", "-", "*", "&", "|", "^", "<", ">", "<=", ">=", "==", "!=")


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> str:
    """An expression whose text means the same in C and, all of it in parentheses, in Python."""
    if depth == 0 or draw(st.booleans()):
        return str(draw(st.integers(0, 2**15)))  # eight such factors fit 128 bits
    if draw(st.integers(0, 4)) == 0:
        return f"({draw(st.sampled_from('-~+'))}{draw(trees(depth=depth - 1))})"
    left, right = draw(trees(depth=depth - 1)), draw(trees(depth=depth - 1))
    return f"({left} {draw(st.sampled_from(OPERATORS))} {right})"


@given(trees())
def test_an_expression_in_parentheses_has_the_value_python_gives_it(text: str) -> None:
    assert value_of(text) == int(eval(text, {"__builtins__": {}}))


@given(
    st.lists(st.integers(1, 1000), min_size=2, max_size=8),
    st.lists(st.sampled_from(("+", "-", "*", "&", "^", "|")), min_size=7, max_size=7),
)
def test_precedence_is_that_of_c_which_python_shares(numbers: list[int], signs: list[str]) -> None:
    text = str(numbers[0])
    for number, sign in zip(numbers[1:], signs, strict=False):
        text += f" {sign} {number}"
    assert value_of(text) == eval(text, {"__builtins__": {}})


@given(st.integers(-(2**63), 2**63), st.integers(0, 63), st.integers(-(2**31), -1))
def test_shifts_and_division_are_those_of_c(value: int, bits: int, divisor: int) -> None:
    assert value_of(f"({value}) >> {bits}") == value >> bits
    assert value_of(f"({value}) << {bits}") == value << bits
    quotient = value_of(f"({value}) / {divisor}")
    assert value_of(f"({value}) % ({divisor}) + ({quotient}) * ({divisor})") == value
    assert abs(quotient) == abs(value) // abs(divisor)
