"""Debian's hvcs, unmodified, at the console of another Debian."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hypervisor.system.errors import ManagementError
from pyphyp.actions import ShutdownPartition, TypeAtConsole
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.linux

FILE = """
[machine]
cores = 2
memory = "2G"
epoch = 0

[[partition]]
name = "io"
guest = "linux"
memory = "512M"
dedicated = 1

[[partition.vty_server]]
client = "web"

[[partition]]
name = "web"
guest = "linux"
memory = "512M"
dedicated = 1
packages = ["util-linux"]
script = "getty.sh"
"""
GETTY = """
hostname web
dmesg -n 1
cat >/bin/greet <<'END'
#!/bin/sh
echo "welcome, $2, to $(hostname)"
END
chmod +x /bin/greet
while :; do setsid agetty --login-program /bin/greet -L hvc0 38400 vt100; done
"""
OPEN = r"""
dmesg -n 1
cd /sys/bus/vio/drivers/hvcs/*000000a
cat partner_clcs partner_vtys
exec 3<>/dev/hvcs0
stty raw -echo <&3
cat <&3 >/heard &
cat vterm_state
printf '\n' >&3
until grep -q 'web login:' /heard; do sleep 0.1; done
printf 'root\n' >&3
until grep -q 'welcome, root' /heard; do sleep 0.1; done
cat /heard
echo is-''open
"""
CLOSE = """
kill %1
exec 3>&-
until echo 0 >$PWD/vterm_state; do sleep 0.1; done
cat vterm_state
echo is-''closed
"""


def test_the_login_prompt_of_a_debian_is_at_dev_hvcs0_of_another_one(tmp_path: Path) -> None:
    (tmp_path / "getty.sh").write_text(GETTY)
    system = parse(FILE, directory=tmp_path).system
    with ManagedMachine(system, epoch=0) as machine:
        machine.power_on()
        server, client = machine.partitions["io"], machine.partitions["web"]
        client.console.wait_for("web login: ", seconds=60)
        server.console.wait_for("~# ", seconds=30)
        server.console.send(OPEN)
        server.console.wait_for("is-open", seconds=30)
        shown = server.console.output.replace("\r", "")
        assert "Upyphyp.PYP0001-V2-C0\n30000000\n" in shown
        assert "web login: root\nwelcome, root, to web\n" in shown
        client.console.wait_for("welcome, root, to web", seconds=10)
        client.console.wait_for("web login: ", seconds=10)
        with pytest.raises(ManagementError, match=r"server terminal Upyphyp\.PYP0001-V1-C10"):
            machine.perform(TypeAtConsole("web", b"me too"))
        server.console.send(CLOSE)
        server.console.wait_for("is-closed", seconds=10)
        machine.perform(TypeAtConsole("web", b"somebody\n"))
        client.console.wait_for("welcome, somebody, to web", seconds=10)
        machine.perform(ShutdownPartition("web", immediate=True))
        server.console.send("exec 3<>/dev/hvcs0 && echo opened; echo x >&3; echo go''ne\n")
        server.console.wait_for("gone", seconds=10)
        assert server.runs
