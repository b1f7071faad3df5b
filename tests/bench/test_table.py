"""The table of figures as it is printed; what it measures is nobody's promise."""

from __future__ import annotations

import json
import subprocess
import sys

from .figure import Figure, Measured

RATIO = Figure("boot", "a boot", "s", 0.9, 0.6, ratios=True)


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "tests.bench", *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_ratio_is_the_median_of_pairs() -> None:
    row = Measured(RATIO, [1.0, 3.0, 20.0], [2.0, 3.0, 4.0]).row()
    assert row.split()[:6] == ["boot", "3.00", "s", "3.00", "s", "1.00x"]
    assert row.endswith("1.00 to 20.00 s; 0.50x to 5.00x")


def test_without_qemu_there_is_no_ratio() -> None:
    measured = Measured(RATIO, [1.0])
    assert "1.00x" not in measured.row()
    assert (measured.record()["ratio"], measured.record()["qemu"]) == (None, None)


def test_a_figure_is_measured_alone_and_told_to_programs() -> None:
    done = bench("--runs", "2", "--json", "--processor-time", "hypercall")
    (record,) = json.loads(done.stdout)["figures"]
    assert (record["figure"], record["unit"], len(record["pyphyp_runs"])) == ("hypercall", "us", 2)
    assert 0.1 < record["pyphyp"] < 1000
    assert "hypercall: run 2 of 2" in done.stderr


def test_a_figure_that_there_is_not_is_refused_with_those_there_are() -> None:
    done = bench("bott")
    assert done.returncode == 2
    assert "boot-radix" in done.stderr


def test_all_figures_are_listed_by_different_names() -> None:
    names = [line.split()[0] for line in bench("--list").stdout.splitlines()]
    assert len(names) == len(set(names)) == 45


def test_the_dispatcher_is_measured_for_several_sizes() -> None:
    done = bench("--runs", "1", "--json", "--processor-time", "dispatcher-1", "dispatcher-100")
    records = json.loads(done.stdout)["figures"]
    assert [record["figure"] for record in records] == ["dispatcher-1", "dispatcher-100"]
    assert all(1 < record["pyphyp"] < 10_000 for record in records)
