"""Machines as processes, and the commands that speak with them, on real terminals."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from pyphyp.cli import main
from pyphyp.daemon.claim import Claim, RunningError
from pyphyp.daemon.client import Client, NotRunningError
from pyphyp.daemon.locations import Location, LocationError, location, state_directory
from tests.pyphyp.terminal import PATIENCE, PYPHYP, Terminal

from .processes import MACHINE, alive, completed, daemon_process, run, until_gone

pytestmark = pytest.mark.usefixtures("runtime")


# -- up, ps, down ------------------------------------------------------------------------------


def test_a_detached_machine_is_shown_and_ended(office: Location) -> None:
    process = daemon_process(office)
    shown = run("ps").stdout
    assert shown.startswith("office: ")
    assert "counter    Running" in shown
    assert "spare      Not Activated" in shown
    down = run("down", "--now")
    assert down.returncode == 0
    assert down.stderr.endswith("office is off\n")
    until_gone(process)
    assert not office.socket.exists()
    nothing = run("ps")
    assert nothing.returncode == 1
    assert "no machine runs; pyphyp up machine.toml starts one" in nothing.stderr


def test_json_has_all_of_the_usage(office: Location) -> None:
    usage = json.loads(run("ps", "--json").stdout)
    assert [partition["name"] for partition in usage["partitions"]] == ["shell", "counter", "spare"]
    assert usage["pools"][0]["entitled"] == 50
    core = usage["cores"][0]
    assert 0 <= core["used"] <= core["elapsed"]


def test_a_machine_that_runs_is_not_started_again(office: Location, file: str) -> None:
    again = run("up", file, "--detach")
    assert again.returncode == 1
    assert f"process {daemon_process(office)}" in again.stderr
    assert "pyphyp down -m office" in again.stderr


def test_of_several_machines_one_must_be_named(office: Location, file: str) -> None:
    assert run("up", file, "--name", "other", "--detach").returncode == 0
    both = run("down")
    assert both.returncode == 1
    assert "--machine says which: office, other" in both.stderr
    assert run("down", "-m", "other", "--now").returncode == 0
    assert run("ps").stdout.count("PARTITION") == 1


def test_a_socket_may_be_anywhere(file: str, runtime: Path) -> None:
    path = runtime / "here.sock"
    assert run("up", file, "--detach", "--socket", str(path)).returncode == 0
    assert run("ps").returncode == 1
    assert run("ps", "--socket", str(path)).stdout.startswith("office: ")
    assert run("down", "--now", "--socket", str(path)).returncode == 0


def test_a_killed_daemon_leaves_a_socket_that_is_replaced(office: Location, file: str) -> None:
    process = daemon_process(office)
    os.kill(process, signal.SIGKILL)
    until_gone(process)
    assert office.socket.exists()
    assert "no machine runs" in run("ps").stderr
    reached = run("ps", "-m", "office")
    assert reached.returncode == 1
    assert "no machine runs at" in reached.stderr
    assert run("up", file, "--detach").returncode == 0
    assert run("ps").returncode == 0


def test_a_file_with_problems_starts_nothing(tmp_path: Path, file: str) -> None:
    Path(file).write_text(MACHINE.replace("0.3", "1.3"))
    done = run("up", file, "--detach")
    assert done.returncode == 1
    assert "units" in done.stderr
    assert run("ps").returncode == 1


def test_sigterm_ends_the_daemon_in_order(office: Location, tmp_path: Path) -> None:
    process = daemon_process(office)
    os.kill(process, signal.SIGTERM)
    until_gone(process)
    assert not office.socket.exists()
    assert "the end" in (tmp_path / "state" / "pyphyp" / "office" / "daemon.log").read_text()


def handles(process: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"^SigCgt:\s*(\w+)$", status, re.MULTILINE)
    assert found is not None
    return bool(int(found[1], 16) >> number - 1 & 1)


@pytest.mark.parametrize("options", [(), ("--detach",)])
def test_sigterm_ends_it_in_order_at_any_moment_of_its_start(
    file: str, options: tuple[str, ...]
) -> None:
    """From a tenth of its start to when it runs, all at once: the host is busy."""
    names = [f"early{n}" for n in range(10)]
    started = [
        subprocess.Popen(
            [*PYPHYP, "up", file, "--name", name, *options], stderr=subprocess.PIPE, text=True
        )
        for name in names
    ]
    for n, process in enumerate(started):
        while not handles(process.pid, signal.SIGTERM):
            time.sleep(0.001)
        time.sleep(0.02 * n)
        process.send_signal(signal.SIGTERM)
    for name, process in zip(names, started, strict=True):
        _, err = process.communicate(timeout=PATIENCE)
        ran = name in err and "runs; pyphyp ps" in err
        assert process.returncode == (0 if ran and options else 128 + signal.SIGTERM), err
        assert "Traceback" not in err
        if ran:
            assert run("down", "-m", name, "--now").returncode == 0
        end = time.monotonic() + PATIENCE
        while location(name).socket.exists():
            assert time.monotonic() < end, f"{name} left its socket behind"
            time.sleep(0.01)


def test_the_machine_outlives_the_terminal_it_was_started_at(file: str) -> None:
    with Terminal("up", file) as terminal:
        terminal.wait_for(b"office runs")
        process = daemon_process(location("office"))
        terminal.hang_up()
        time.sleep(0.3)
        assert alive(process)
        assert "shell" in run("ps").stdout
        assert run("down", "--now").returncode == 0
        assert terminal.status() == 0


def test_ctrl_c_powers_off(file: str) -> None:
    with Terminal("up", file) as terminal:
        terminal.wait_for(b"office runs")
        terminal.type(b"\x03")
        terminal.wait_for(b"once more pulls the plugs")
        terminal.wait_for(b"shell: does not hear the power button")
        assert terminal.status() == 130
        assert not location("office").socket.exists()


# -- batch jobs --------------------------------------------------------------------------------


def test_a_batch_job_skips_idle_time(file: str) -> None:
    begin = time.monotonic()
    done = run("up", file, "--seconds", "60")
    assert done.returncode == 0
    assert time.monotonic() - begin < 40
    assert done.stdout.startswith("office: 60.00 s, ")
    assert "counter    Powered Off" in done.stdout


def test_a_batch_job_ends_when_all_wait(file: str) -> None:
    done = run("up", file, "--until-idle")
    assert done.returncode == 0
    assert "shell      Running" in done.stdout


# -- partitions --------------------------------------------------------------------------------


def test_partitions_are_activated_and_ended(office: Location) -> None:
    assert run("activate", "spare").stderr == "pyphyp: spare is activated\n"
    assert run("shutdown", "counter", "--now").stderr == "pyphyp: counter is off\n"
    assert "counter    Not Activated" in run("ps").stdout or "Powered Off" in run("ps").stdout
    again = run("shutdown", "counter")
    assert again.returncode == 1
    assert "counter does not run: running: shell" in again.stderr


def test_a_guest_that_does_not_hear_is_not_waited_for(office: Location) -> None:
    asked = run("shutdown", "shell")
    assert asked.returncode == 1
    assert "shell does not hear the power button: pyphyp shutdown --now" in asked.stderr
    begin = time.monotonic()
    assert run("down", "--seconds", "1000").returncode == 0
    assert time.monotonic() - begin < PATIENCE


def test_a_mistyped_partition_is_answered_with_the_names(office: Location) -> None:
    for command in ("activate", "shutdown", "crash", "console"):
        done = run(command, "shel")
        assert done.returncode == 1
        assert "there is no partition 'shel': there are shell, counter, spare" in done.stderr


def test_a_system_reset_reaches_the_guest(office: Location) -> None:
    assert "system reset" in run("crash", "shell").stderr


def test_commands_without_a_machine_say_what_would_be_right() -> None:
    for command in (["down"], ["console", "x"], ["activate", "x"], ["crash", "x"]):
        done = run(*command)
        assert done.returncode == 1
        assert "pyphyp up machine.toml" in done.stderr


# -- consoles ----------------------------------------------------------------------------------


def test_a_console_is_left_and_found_again_with_its_history(office: Location) -> None:
    with Terminal("console", "shell") as terminal:
        terminal.wait_for(b"hcall> ")
        terminal.type(b"H_RANDOM\r")
        terminal.wait_for(b"H_SUCCESS")
        terminal.type(b"\x1dd")
        assert terminal.status() == 0
        assert terminal.restored
        assert b"pyphyp console shell comes back" in terminal.output
    with Terminal("console", "shell") as terminal:
        terminal.wait_for(b"H_SUCCESS")
        terminal.type(b"99999\r")
        terminal.wait_for(b"H_FUNCTION")
        terminal.type(b"\x1dd")
        assert terminal.status() == 0


def test_two_terminals_are_at_one_console(office: Location) -> None:
    with Terminal("console", "shell") as one, Terminal("console", "shell") as other:
        one.wait_for(b"hcall> ")
        other.wait_for(b"hcall> ")
        one.type(b"99999\r")
        one.wait_for(b"H_FUNCTION")
        other.wait_for(b"H_FUNCTION")
        one.hang_up()
        other.type(b"H_RANDOM\r")
        other.wait_for(b"H_SUCCESS")


def test_keys_behind_the_escape_key_act_on_the_partition(office: Location) -> None:
    with Terminal("console", "shell") as terminal:
        terminal.wait_for(b"hcall> ")
        terminal.type(b"\x1di")
        terminal.wait_for(b"shell: Running, ")
        terminal.type(b"\x1d?")
        terminal.wait_for(b"Ctrl-] d       detach")
        terminal.type(b"\x1dp")
        terminal.wait_for(b"shell does not hear the power button")
        terminal.type(b"\x1dn")
        terminal.wait_for(b"was given a system reset")


def test_crash_tells_that_a_guest_has_no_handler_and_its_state_shows_it(office: Location) -> None:
    said = run("crash", "counter").stderr
    assert said.startswith("pyphyp: counter was given a system reset, has no handler for it")
    shown = run("ps")
    assert "counter    Error" in shown.stdout
    assert "counter: crash: a system reset that nobody handles" in shown.stderr
    assert (state_directory(office.socket.stem) / "counter.core").stat().st_size


def test_a_console_ends_with_its_machine(office: Location) -> None:
    with Terminal("console", "shell") as terminal:
        terminal.wait_for(b"hcall> ")
        assert run("down", "--now").returncode == 0
        terminal.wait_for(b"office is off")
        assert terminal.status() == 0
        assert terminal.restored


def test_a_console_whose_daemon_is_killed_says_so(office: Location) -> None:
    with Terminal("console", "shell") as terminal:
        terminal.wait_for(b"hcall> ")
        os.kill(daemon_process(office), signal.SIGKILL)
        assert terminal.status() == 1
        assert b"is gone" in terminal.output
        assert terminal.restored


def test_input_from_a_pipe_goes_to_a_partition_until_it_ends(office: Location) -> None:
    done = run("console", "shell", text="quit\r")
    assert done.returncode == 0
    assert "hcall>" in done.stdout
    assert "shell: Powered Off" in done.stderr


# -- completion --------------------------------------------------------------------------------


def test_names_are_completed(office: Location) -> None:
    assert completed("pyphyp console s") == ["shell", "spare"]
    assert completed("pyphyp activate ") == ["shell", "counter", "spare"]
    assert completed("pyphyp ps --machine o") == ["office"]


def test_completion_without_a_machine_is_empty() -> None:
    assert completed("pyphyp console s") == []
    assert completed("pyphyp ps --machine o") == []


# -- places ------------------------------------------------------------------------------------


def test_a_place_is_held_by_one(runtime: Path) -> None:
    place = Location(runtime / "x.sock")
    claim = Claim.take(place)
    with pytest.raises(RunningError):
        Claim.take(place)
    assert place.owner() == os.getpid()
    claim.listening.close()
    claim.release()
    assert place.owner() is None
    again = Claim.take(place)
    again.listening.close()
    again.release()


def test_what_is_no_socket_is_not_replaced(runtime: Path) -> None:
    path = runtime / "x.sock"
    path.write_text("precious")
    with pytest.raises(LocationError, match="is no socket"):
        Claim.take(Location(path))
    assert path.read_text() == "precious"


def test_a_directory_that_others_may_write_to_is_refused(
    runtime: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (runtime / "pyphyp").mkdir()
    (runtime / "pyphyp").chmod(0o777)
    assert main(["down"]) == 1
    assert "is not yours alone; set XDG_RUNTIME_DIR" in capsys.readouterr().err


def test_a_socket_that_nobody_listens_at_is_no_machine(runtime: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(runtime / "dead.sock"))
    with pytest.raises(NotRunningError):
        Client.connect(Location(runtime / "dead.sock"))


# -- the schedule ------------------------------------------------------------------------------


def test_the_schedule_is_shown_and_drawn(office: Location, tmp_path: Path) -> None:
    shown = run("schedule", "--first", "0", "--windows", "3").stdout.splitlines()
    assert "A  shell" in shown
    assert [line.split()[0] for line in shown[-3:]] == ["0", "1", "2"]
    picture = tmp_path / "schedule.svg"
    drawn = run("schedule", "--windows", "2", "--svg", str(picture))
    assert drawn.returncode == 0
    assert f"are drawn in {picture}" in drawn.stderr
    assert picture.read_text().startswith("<svg ")
    nowhere = run("schedule", "--svg", str(tmp_path / "no" / "s.svg"))
    assert nowhere.returncode == 1
    assert "there is no directory" in nowhere.stderr


# -- processors --------------------------------------------------------------------------------


def test_a_running_partition_gets_another_share(office: Location) -> None:
    done = run("change", "counter", "--weight", "7")
    assert done.stderr == "pyphyp: counter: weight 7, uncapped\n"
    row = next(line for line in run("ps").stdout.splitlines() if "counter" in line)
    assert row.split()[4:6] == ["uncapped", "7"]
    assert run("change", "counter", "--capped").returncode == 0
    row = next(line for line in run("ps").stdout.splitlines() if "counter" in line)
    assert row.split()[4:6] == ["capped", "-"]


def test_a_share_that_cannot_be_is_refused(office: Location) -> None:
    beyond = run("change", "counter", "--units", "0.9")
    assert beyond.returncode == 1
    assert "0.20" in beyond.stderr
    assert run("change", "spare", "--units", "0.1").returncode == 1
    assert run("change", "counter", "--units", "0.123").returncode == 2
    assert run("change", "counter").returncode == 2


def test_the_last_core_does_not_fail(office: Location) -> None:
    last = run("fail-core", "0")
    assert last.returncode == 1
    assert "the last core cannot fail" in last.stderr
    assert "there is no core 7" in run("fail-core", "7").stderr
