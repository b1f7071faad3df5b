"""`pyphyp vios`: the command line of a Virtual I/O Server of a machine that runs."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from pyphyp.daemon.journal import performed_actions
from pyphyp.daemon.locations import state_directory
from tests.pyphyp.terminal import Terminal

from .processes import MACHINE, completed, run

pytestmark = pytest.mark.usefixtures("runtime", "lender")
MAKE = "mkvdev -sea ent0 -vadapter ent1 -default ent1 -defaultid 1"
VIOS = (
    '\n[[lan]]\nname = "office"\n[[vios]]\nname = "vios1"\nrootvg = "4G"\nlans = ["office"]\n'
    "[[vios.ethernet]]\ntrunk_priority = 1\n"
)


@pytest.fixture
def lender(file: str) -> None:
    """A machine with a server, of which `shell` is a client."""
    text = MACHINE.replace('guest = "hcalls"', 'guest = "hcalls"\nvios = ["vios1"]')
    Path(file).write_text(text + VIOS)
    up = run("up", file, "--detach")
    assert up.returncode == 0, up.stderr


def test_commands_print_and_end_as_the_server_s_do() -> None:
    made = run("vios", "vios1", "mkbdsp", "-sp", "rootvg", "64m", "-bd", "d", "-vadapter", "vhost0")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.endswith("vtscsi0 Available\n")
    again = run("vios", "vios1", "mkbdsp", "-sp", "rootvg", "64m", "-bd", "d")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == 'Backing device "d" already exists.\n'
    assert run("vios", "vios1", "oem_setup_env").returncode == 127
    shown = run("vios", "vios1", "lsmap", "-all", "-field", "vtd", "-fmt", ":")
    assert shown.stdout == "vtscsi0\n"
    whole = run("vios", "vios1", "lsmap -all -field vtd -fmt : | grep vtscsi")
    assert whole.stdout == shown.stdout
    other = run("vios", "vios2", "lsmap", "-all")
    assert other.returncode == 1
    assert "there are vios1" in other.stderr


def test_a_cable_is_pulled_and_plugged_in_again() -> None:
    made = run("vios", "vios1", *MAKE.split())
    assert made.stdout.startswith("ent2 Available\n"), made.stderr
    for how, link in (("--pull", "Down"), ("--plug", "Up")):
        assert run("cable", "vios1", "ent0", how).returncode == 0
        shown = run("vios", "vios1", "entstat", "-all", "ent0").stdout
        assert f"Physical Port Link Status: {link}\n" in shown
    refused = run("cable", "vios1", "ent1", "--pull")
    assert "ent1" in refused.stderr
    assert refused.returncode
    assert "there are vios1" in run("cable", "shell", "ent0", "--pull").stderr


def test_lines_from_a_pipe_are_carried_out_up_to_the_first_that_fails() -> None:
    done = run("vios", "vios1", text="ioslevel\nlsmap -frob\nhostname\n")
    assert done.returncode == 1
    assert done.stdout == "3.1.4.10\n"
    assert "Invalid flag: -frob" in done.stderr
    assert run("vios", "vios1", text="hostname\nexit\nlsmap -frob\n").stdout == "vios1\n"


def test_at_a_terminal_there_is_a_prompt_with_history_and_completion() -> None:
    terminal = Terminal("vios", "vios1")
    terminal.wait_for(b"$ ")
    terminal.type(b"hostn\t\n")
    terminal.wait_for(b"vios1")
    terminal.wait_for(b"$ ")
    terminal.type(b"lsdev -dev vho\t\n")
    terminal.wait_for(b"Virtual SCSI Server Adapter")
    terminal.wait_for(b"$ ")
    terminal.type(b"\x1b[A\n")  # the line before
    terminal.wait_for(b"Virtual SCSI Server Adapter")
    terminal.type(b"nothing\n")
    terminal.wait_for(b"not found")
    terminal.wait_for(b"$ ")
    terminal.type(b"\x04")
    assert terminal.status() == 127


def test_a_line_is_left_with_ctrl_c_and_history_outlives_the_session() -> None:
    first = Terminal("vios", "vios1")
    first.wait_for(b"$ ")
    first.type(b"hostname | grep -c vios1\n")
    first.wait_for(b"1\r\n")
    first.wait_for(b"$ ")
    first.type(b"lsmap -all -frob")
    first.wait_for(b"-frob")
    time.sleep(0.3)  # Python hears of a Ctrl-C while it waits for keys, not while it shows one
    first.type(b"\x03")
    first.wait_for(b"$ ")
    first.type(b"exit\n")
    assert first.status() == 130
    again = Terminal("vios", "vios1")
    again.wait_for(b"$ ")
    again.type(b"\x1b[A\x1b[A\n")  # before exit
    again.wait_for(b"1\r\n")
    again.wait_for(b"$ ")
    again.type(b"lsmap -va\thost1 | hea\t-1\n")
    again.wait_for(b"not a virtual SCSI server adapter")
    again.wait_for(b"$ ")
    again.type(b"\x04")
    again.status()


def test_ps_lists_servers_among_the_partitions() -> None:
    def row() -> list[str]:
        (line,) = [line for line in run("ps").stdout.splitlines() if " vios1 " in line]
        return line.split()

    number = row()[0]
    assert row() == [number, "vios1", "Running", "-", "vioserver", *["-"] * 6]
    assert run("shutdown", "vios1", "--now").returncode == 0
    assert row()[2:4] == ["Powered", "Off"]
    (server,) = json.loads(run("ps", "--json").stdout)["io_servers"]
    assert server == {"name": "vios1", "number": int(number), "state": "POWERED_OFF"}
    assert run("activate", "vios1").returncode == 0
    assert row()[2] == "Running"


def test_names_of_servers_are_completed_where_they_are_meant() -> None:
    assert completed("pyphyp vios ") == ["vios1"]
    assert completed("pyphyp shutdown vi") == ["vios1"]
    assert completed("pyphyp activate ") == ["shell", "counter", "spare", "vios1"]
    assert completed("pyphyp console vi") == []


def test_what_was_run_is_in_the_journal() -> None:
    run("vios", "vios1", "mkrep", "-sp", "rootvg", "-size", "1g")
    run("vios", "vios1", "mkrep", "-sp", "rootvg", "-size", "1g")
    journal = (state_directory("office") / "journal.jsonl").read_text().splitlines()
    actions = [action for _, action in performed_actions(journal)]
    assert [type(action).__name__ for action in actions].count("RunViosCommand") == 1
    refused = [entry for entry in map(json.loads, journal) if "refused" in entry]
    assert "already exists" in refused[0]["why"]
