"""64-bit programs, translated."""

from __future__ import annotations

import platform
import subprocess
from typing import TYPE_CHECKING

import pytest

from . import small, small64
from .linux.test_run import x86

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or not small64.available(),
    reason="only an x86-64 host tells what is right",
)


@pytest.mark.parametrize("name", [*small.INTEGER, "repstr"])
def test_a_64_bit_program_writes_what_it_writes_on_the_host(name: str) -> None:
    program = small64.build(name)
    native = subprocess.run([program, "2"], capture_output=True, check=False)
    outcome = small.run(small64.translating, program, "2")
    assert (outcome.output, outcome.ended) == (native.stdout, native.returncode)
    again = small.run(small64.translating, program, "2", budget=1009)
    assert again == outcome


FLOATING = {
    "sse": [],
    "sse single": ["-DFT=float"],
    "sse vectors": ["-O3", "-ftree-vectorize"],
    "sse fast": ["-O3", "-ftree-vectorize", "-DFT=float", "-ffast-math"],
    "x87": ["-mfpmath=387"],
    "x87 extended": ["-DFT=long double"],
}


@pytest.mark.parametrize("source", ["floats", "mat"])
@pytest.mark.parametrize("variant", FLOATING)
def test_a_64_bit_program_computes_what_it_computes_on_the_host(variant: str, source: str) -> None:
    program = small64.build(source, *FLOATING[variant])
    native = subprocess.run([program, "2"], capture_output=True, check=False)
    outcome = small.run(small64.translating, program, "2")
    assert (outcome.output, outcome.ended) == (native.stdout, native.returncode)


_HELLO = r"""
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int count, char **texts)
{
    char *p = malloc(1000000);
    long sum = 0;
    memset(p, count, 1000000);
    for (int i = 0; i < 1000000; i += 1000)
        sum += p[i];
    printf("%s %ld %.17g %Lg\n", texts[1], sum, sqrt(2.0) * pow(count, 1.5), 3.25L);
    return strlen(texts[2]);
}
"""


def test_a_64_bit_program_with_a_c_library_runs_by_the_command(tmp_path: Path) -> None:
    (tmp_path / "hello.c").write_text(_HELLO)
    program = tmp_path / "hello"
    flags = ["-O2", "-static", "-o", str(program), str(tmp_path / "hello.c"), "-lm"]
    subprocess.run([small64.COMPILER, *flags], check=True)
    native = subprocess.run([program, "one", "two"], capture_output=True, text=True, check=False)
    done = x86(str(program), "one", "two")
    assert (done.returncode, done.stdout, done.stderr) == (native.returncode, native.stdout, "")
    compared = x86("--compare", str(program), "one", "two", timeout=300)
    assert (compared.stdout, compared.stderr) == (native.stdout, "")
