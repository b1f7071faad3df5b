"""Programs for processors with more than SSE2, and `--cpu`, which says that there is one."""

from __future__ import annotations

import platform
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from lx86.cpuid import DEFAULT, MODELS
from tests.lx86 import small, small64
from tests.lx86.linux.test_run import x86
from tests.pyphyp.terminal import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

_FLAGS = (
    "-O3", "-msse4.2", "-mpopcnt", "-maes", "-mpclmul", "-fno-trapping-math", "-fno-math-errno",
    "-static", "-w",
)  # fmt: skip
pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or not small.available(),
    reason="only an x86-64 host with a compiler for i386 tells what is right",
)


@pytest.fixture(scope="module", params=["32", "64"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    long = request.param == "64"
    out = tmp_path_factory.mktemp("later") / f"later{request.param}"
    compiler = [small64.COMPILER] if long else [small.COMPILER, "-mfpmath=sse"]
    source = small.SOURCES / "later.c"
    subprocess.run([*compiler, *_FLAGS, "-o", out, source, "-lm"], check=True)
    return out


def _native(program: Path) -> str:
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout


def test_a_program_for_a_later_processor_says_what_it_says_on_this_hosts(program: Path) -> None:
    done = x86("--cpu", "westmere", str(program))
    assert (done.returncode, done.stderr, done.stdout) == (0, "", _native(program))


def test_it_is_told_of_the_processor_that_was_named(program: Path) -> None:
    model = MODELS["westmere"]
    said = x86("--cpu", model.name, str(program), "cpuid").stdout.splitlines()[-1]
    assert said == f"{model.signature:x} {int(model.more):x}"


def test_code_that_was_kept_for_one_processor_is_not_anothers(
    program: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "kept"
    cache.mkdir(mode=0o700)
    assert x86("--cpu", "westmere", str(program), cache=cache).returncode == 0
    assert x86("--cpu", DEFAULT.name, str(program), cache=cache).returncode == -signal.SIGILL
    assert x86("--cpu", "westmere", str(program), cache=cache).returncode == 0


def test_later_instructions_are_compared_with_unicorns_and_explained_by_their_names(
    program: Path,
) -> None:
    explain = ("--explain", "--explain-passes", "none")
    explained = x86("--cpu", "westmere", *explain, str(program)).stderr
    assert {name for name in _NAMES if f" {name} " in explained} == _NAMES
    if program.name == "later32":
        done = x86("--cpu", "westmere", "--compare", str(program), timeout=4 * PATIENCE)
        assert (done.returncode, done.stderr, done.stdout) == (0, "", _native(program))


_NAMES = {
    "crc32", "pshufb", "roundps", "pmulld", "pcmpgtq", "ptest", "pcmpistri", "dpps", "popcnt",
    "aeskeygenassist", "aesenc", "aesdeclast", "aesimc", "pclmulqdq",
}  # fmt: skip
