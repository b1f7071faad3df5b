"""Debian's own tools for such machines, in the guest, on what firmware and hypervisor tell them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.pyphyp.linux_command import linux

pytestmark = pytest.mark.linux

COMPILER = "powerpc64le-linux-gnu-gcc"
SYSTEM = "Upyphyp.PYP0001"
TOOLS = ("--package", "powerpc-utils", "--package", "lsvpd", "--package", "librtas2")


def run(command: str, *arguments: str) -> str:
    done = linux("-c", command, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.replace("\r", "")


def test_lsvpd_lists_what_the_machine_is_made_of() -> None:
    said = run("vpdupdate; lsvpd; lsmcode; lscfg -vp", *TOOLS)
    for part in ("", "-Y1", "-P1-C1", "-P1-C2"):
        assert f"*YL {SYSTEM}{part}\n" in said
    assert "*DS Memory\n*Size 1024\n" in said
    assert "Version of System Firmware is PYP010_001" in said
    assert f"Physical Location: {SYSTEM}-P1-C1\n" in said


def test_powerpc_utils_find_what_they_ask_for() -> None:
    said = run(
        "ppc64_cpu --info; ppc64_cpu --cores-present; nvram --print-config; nvram --partitions;"
        f'lparstat -i; rtas_ibm_get_vpd -l "{SYSTEM}-P1-C2"; activate_firmware; echo $?',
        *TOOLS,
    )
    assert "Core   0:    0*" in said
    assert "Number of cores present = 1" in said
    assert "real-mode?=true\nlittle-endian?=false" in said
    assert "lnx,oops-log" in said
    assert re.search(r"Partition Name +: partition1", said)
    assert "SZ\x041024YL" in said


def test_errinjct_injects_errors_that_linux_survives_and_reports() -> None:
    said = run(
        "dmesg -n 1; errinjct open; errinjct open; errinjct slb -a 12340000 -k 1;"
        "errinjct dcache-start -a 0 -C 0 -k 1; errinjct tlb-start -C 0 -k 1;"
        "errinjct icache-start -a 0 -n 0 -C 0 -k 1; errinjct close -k 1; errinjct close -k 1;"
        "dmesg | grep MCE:",
        *TOOLS,
    )
    assert "facility open, token = 1" in said
    assert "the facility is already open" in said
    assert said.count("Call to RTAS errinjct succeeded!") == 4
    assert "error injection facility is not open" in said
    for fault in ("SLB Parity", "D-Cache Unknown", "TLB Parity", "I-Cache Unknown"):
        assert re.search(rf"MCE: CPU0: machine check \(Severe\)  {fault}.*\[Recovered\]", said)


def test_perf_reads_the_hypervisors_counters(tmp_path: Path) -> None:
    program = tmp_path / "counted"
    source = Path(__file__).parent / "counted.c"
    subprocess.run([COMPILER, "-O1", "-static", "-o", str(program), str(source)], check=True)
    interface = "cat /sys/bus/event_source/devices/hv_gpci/interface/version"
    said = run(f"{interface}; /counted", "--initrd-add", str(tmp_path))
    counted = dict(re.findall(r"(\w+): (\w+)", said[said.index("busy:") :]))
    assert "0x8\n" in said
    busy, entitled = int(counted["busy"]), int(counted["entitled"])
    assert 100_000 < busy < entitled, "it slept most of the time"
    assert entitled >= 512_000_000
    assert abs(int(counted["consumed"]) - busy) < 1_000_000
    assert abs(int(counted["instructions"]) - busy) < 1_000_000
    assert (counted["queuing"], counted["foreign"]) == ("none", "none")
