"""Random blocks, translated, do what the real processor does; and the command that tries more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lx86.architecture import I386, X86_64, Architecture
from lx86.options import Options

from . import many, pieces, pieces64
from .compared_blocks import CHUNK, Range, compare
from .fpu import native
from .random_blocks import main

if TYPE_CHECKING:
    from pathlib import Path

    from .many import Batch

# And some whose last instructions take many registers, one that turns DH nine times with CF, and a
# constant of 33 bits.
SEEDS = [*range(4000), 41_796, 2_007_948, 100_353_463, 101_288_904, 900_023_757, 10_000_139_113]


@pytest.fixture(autouse=True, scope="module")
def _hosts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Or skip."""
    for architecture in (I386, X86_64):
        native.build(tmp_path_factory.mktemp("oracle"), architecture)


def _integer(architecture: Architecture) -> tuple[list[tuple[int, str]], str]:
    case = pieces64.case if architecture.long else pieces.case
    options = Options(exact_flags=True, architecture=architecture)
    return many.differences([case(seed) for seed in SEEDS], 4, options, SEEDS)


def test_translated_code_gives_what_the_hosts_processor_gives() -> None:
    assert _integer(I386) == ([], "")


def test_random_64_bit_code_gives_what_the_hosts_processor_gives() -> None:
    assert _integer(X86_64) == ([], "")


@pytest.mark.parametrize(
    ("bits", "kind", "number"),
    [
        (32, "integer", 3_075_158),  # XADD of CH with itself
        (32, "loops", 1_879_480),  # CF goes to CR before a branch by OF
        (32, "loops", 3_501_130),  # code is left with G, S and O known, not Z
        (64, "integer", 377_172),  # registers enough for LOCK XADD of bytes
        (64, "integer", 499_674),  # and where ZF and CF alone are wanted
        (64, "loops", 1_408_583),  # XADD of a quadword with itself
        (64, "loops", 1_440_278),  # and of a doubleword
        (
            32,
            "integer",
            198_789,
        ),  # RCR, SBB, INC: CF behind INC, where nobody asks for XER.CA any more
        (64, "integer", 11_100),  # the same with SBB of storage
        (
            32,
            "integer",
            493_463,
        ),  # OF that is not XER's, where code is left and XER.CA is the carry
        (64, "integer", 41_796),  # a constant of 33 bits where ways meet
        (64, "integer", 121_953),  # and with CMPXCHG8B before it
        (64, "integer", 123_998),  # MOVABS of more bits than 32
        (64, "integer", 270_269),  # RCL of a register behind DEC
        (64, "loops", 4240),  # ways that meet, of which one asks for no flags
    ],
)
def test_blocks_that_differed_do_so_no_more(bits: int, kind: str, number: int) -> None:
    assert compare(Range(bits, kind, number, number + 1)).differences == []


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("kind", ["x87", "simd"])
def test_so_do_sequences_of_x87_mmx_and_sse(kind: str, bits: int) -> None:
    done = compare(Range(bits, kind, 0, 150))
    assert done.differences == []
    assert len(done.codes) > 140


def test_blocks_are_compared_once_by_a_translator_where_there_is_a_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record, codes = tmp_path / "record", tmp_path / "codes"
    asked = ["--bits", "64", "--from", str(CHUNK - 20), "--count", "50", "--record", str(record)]
    assert main([*asked, "--codes", str(codes)]) == 0
    head, line = record.read_text().splitlines()
    assert len(head.split()) == len(line.split()) + 1
    assert line.startswith(f"64 integer {CHUNK - 20} {CHUNK + 30} 4 ")
    assert codes.stat().st_size == 8 * int(line.split()[5])
    assert "50 blocks, 200 runs of them, 0 differences" in capsys.readouterr().out
    assert main(asked) == 0
    assert capsys.readouterr().out.startswith("0 blocks")
    assert main(["--bits", "64", "--count", "10", "--record", str(record)]) == 0
    assert f" {CHUNK - 20} {CHUNK + 40} " in record.read_text()


def test_what_differs_is_told_with_its_code_and_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = many.on_the_processor

    def wrong(batch: Batch) -> bytes:
        answers = bytearray(right(batch))
        answers[-batch.answer] ^= 1  # EAX of the last state of the last piece
        return bytes(answers)

    monkeypatch.setattr(many, "on_the_processor", wrong)
    assert main(["--from", "100", "--count", "8", "--kind", "integer"]) == 1
    told = capsys.readouterr().out
    assert told.startswith("32 bits, integer block 107: run 3: eax 0x")
    assert f"    {pieces.case(107).code[:2].hex()}" in told
    assert "--bits 32 --kind integer --from 107 --count 1\n" in told


def test_blocks_behind_one_that_comes_to_no_end_are_compared_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = many.translated
    bad = pieces.case(105).code

    def ended(batch: Batch, options: Options | None = None) -> tuple[bytes, str]:
        answers, why = right(batch, options)
        return (answers[: batch.answer], "no reason") if bad in batch.image else (answers, why)

    monkeypatch.setattr(many, "translated", ended)
    assert main(["--from", "100", "--count", "8", "--kind", "integer"]) == 1
    told = capsys.readouterr().out
    assert told.startswith("32 bits, integer block 105: no reason\n")
    assert "8 blocks, 32 runs of them, 1 differences" in told
