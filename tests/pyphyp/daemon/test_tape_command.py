"""`pyphyp tape`: images of the host, and tapes of a machine that runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.pyphyp.terminal import PYPHYP

from .processes import MACHINE, run

VIOS = '\n[[vios]]\nname = "vios1"\ntapes = [""]\n'


@pytest.mark.usefixtures("runtime")
def test_tapes_of_partitions_and_servers_are_loaded_and_unloaded(file: str) -> None:
    text = MACHINE.replace('guest = "hcalls"', 'guest = "hcalls"\ntapes = [""]\nvios = ["vios1"]')
    Path(file).write_text(text + VIOS)
    tape, other = (Path(file).with_name(name) for name in ("one.tap", "other.tap"))
    for path in (tape, other):
        path.touch()
    assert run("up", file, "--detach").returncode == 0
    loaded = run("tape", "load", "shell", str(tape))
    assert loaded.stderr == f"pyphyp: shell: {tape} is loaded\n"
    refused = run("tape", "load", "vios1", str(other))
    assert refused.returncode == 1
    mapped = run("vios", "vios1", "mkvdev", "-vdev", "rmt0", "-vadapter", "vhost0")
    assert mapped.stdout == "vttape0 Available\n"
    assert run("tape", "load", "vios1", str(tape)).returncode == 1  # it is in the other drive
    assert run("tape", "load", "vios1", str(other)).returncode == 0
    assert run("tape", "unload", "shell").stderr == "pyphyp: shell: the tape is unloaded\n"
    assert run("tape", "unload", "vios1").returncode == 0
    assert run("tape", "unload", "shell", "--drive", "1").returncode == 1


@pytest.mark.usefixtures("runtime")
def test_a_machine_with_a_damaged_tape_in_a_drive_starts_with_a_warning(file: str) -> None:
    text = MACHINE.replace('guest = "hcalls"', 'guest = "hcalls"\ntapes = ["bad.tap"]')
    Path(file).write_text(text)
    bad, good = (Path(file).with_name(name) for name in ("bad.tap", "good.tap"))
    bad.write_bytes(b"anything else")
    good.touch()
    started = run("up", file, "--detach")
    assert started.returncode == 0
    assert started.stderr.startswith(f"pyphyp: shell: {bad} is no tape image, or cut")
    assert "shell      Running" in run("ps").stdout
    refused = run("tape", "load", "shell", str(bad))
    assert (refused.returncode, "is in use" in refused.stderr) == (1, True)
    assert run("shutdown", "shell", "--now").returncode == 0
    assert f"shell is activated; {bad} is no tape image" in run("activate", "shell").stderr
    assert run("tape", "load", "shell", str(good)).returncode == 0
    assert bad.read_bytes() == b"anything else"
    refused = run("tape", "load", "shell", str(bad))
    assert (refused.returncode, "no tape image" in refused.stderr) == (1, True)


def test_files_are_appended_listed_and_extracted(tmp_path: Path) -> None:
    image = str(tmp_path / "new.tap")
    for content in (b"first" * 5000, b"second"):
        command = [*PYPHYP, "tape", "append", image, "--block", "10K"]
        subprocess.run(command, input=content, check=True)
    listed = run("tape", "list", image).stdout.splitlines()
    assert [line.split() for line in listed[1:]] == [
        ["0", "3", "25000", "10240"],
        ["1", "1", "6", "6"],
    ]
    taken = subprocess.run([*PYPHYP, "tape", "extract", image, "1"], stdout=subprocess.PIPE)
    assert taken.stdout == b"second"
    beyond = run("tape", "extract", image, "2")
    assert (beyond.returncode, beyond.stdout) == (1, "")
    assert "has 2 files" in beyond.stderr
    with Path(image).open("ab") as file:
        file.write(b"\7\0\0\0cut")
    assert "damaged or cut" in run("tape", "list", image).stdout
    refused = subprocess.run([*PYPHYP, "tape", "append", image], input=b"x", capture_output=True)
    assert refused.returncode == 1
    assert b"would lose what cannot be read" in refused.stderr
