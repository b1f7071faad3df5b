"""Sessions of padmin, to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hypervisor.vfc_client import Client as VfcClient

from .seas import WITH_CHANNEL, TwoServers
from .servers import fc_server, own_units, said, server, transcript, two_fabrics, volumes
from .sessions import SESSIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.hypervisor.lpar import Lpar

MAKE_SEA = """
lsdev -type adapter
lsmap -all -net
mkvdev -sea ent0 -vadapter ent1 -default ent1 -defaultid 2
mkvdev -sea ent0 -vadapter ent2 -default ent2 -defaultid 99
mkvdev -sea ent1 -vadapter ent1 -default ent1 -defaultid 1
mkvdev -sea ent0 -vadapter ent1 -default ent1
mkvdev -sea ent0 -vadapter ent1,ent2 -default ent1 -defaultid 1
mkvdev -sea ent0 -vadapter ent1 -default ent1 -defaultid 1 -attr ha_mode=sharing
mkvdev -sea ent0 -vadapter ent1 -default ent1 -defaultid 1 -attr ha_mode=auto ctl_chan=ent1
mkvdev -lnagg ent0
mkvdev -sea ent0 -vadapter ent1 -default ent1 -defaultid 1 -attr ha_mode=auto ctl_chan=ent2
mkvdev -sea ent0 -vadapter ent1 -default ent1 -defaultid 1
entstat -all ent3
"""
USE_SEA = """
lsdev -type sea
lsdev -dev ent3 -attr
lsmap -all -net
lsmap -vadapter ent1 -net -fmt :
lsmap -vadapter ent2 -net
entstat -all ent3
entstat ent0
entstat ent9
chdev -dev ent3 -attr ha_mode=standby
"""
DROP_SEA = """
entstat -all ent3
lsdev -dev ent3 -attr
chdev -dev ent3 -attr colour=red
chdev -dev ent3 -attr ctl_chan=None ha_mode=auto
chdev -dev ent0 -attr ha_mode=auto
rmdev -dev ent0
rmvdev -sea ent0
rmvdev -sea ent0
rmdev -dev ent3
lsmap -all -net
help chdev
help entstat
"""


NOT_LOGGED_IN = """
lsnports
lsmap -all -npiv
vfcmap -vadapter vfchost0 -fcp fcs0
vfcmap -vadapter vfchost1 -fcp fcs2
vfcmap -vadapter vhost0 -fcp fcs0
vfcmap -vadapter vfchost0 -fcp fcs9
vfcmap -vadapter vfchost0
lsmap -vadapter vfchost0 -npiv
"""
LOGGED_IN = """
lsmap -all -npiv
lsmap -plc U9009.PYP0001-V3-C13 -npiv
lsmap -all -npiv -fmt :
lsmap -all -npiv -field name clntname status fc
lsmap -vadapter vhost0 -npiv
lsnports
lsnports -field name aports -fmt :
lsdev -type adapter
lsdev -dev vfchost0 -attr
lsdev -dev fcs0 -attr
lsdev -dev fcs0 -vpd
lsdev -dev fscsi0 -attr
lsdev -dev fscsi0 -parent
vfcmap -vadapter vfchost0 -fcp
lsmap -vadapter vfchost0 -npiv
lsdev -dev vfchost0 -attr
lsnports -field name fabric aports awwpns
"""


def test_a_session_about_fibre_channel(
    tmp_path: Path, lpar: Lpar, golden: Callable[[str, str], None]
) -> None:
    san = two_fabrics()
    vios = fc_server(tmp_path, san)
    client = VfcClient(lpar, san, carrier=vios.fibre_channel)
    shown = transcript(vios, NOT_LOGGED_IN, tmp_path)
    client.ready()
    san.log_in("web")
    san.set_link("vios1/fcs1", up=False)
    golden("vios-npiv.txt", shown + transcript(vios, LOGGED_IN, tmp_path))
    vios.close()


def test_a_session_about_a_shared_ethernet_adapter(
    tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    two = TwoServers(tmp_path, sea="")
    said(two.vios[1], WITH_CHANNEL)
    shown = ""
    for lines in (MAKE_SEA, USE_SEA, DROP_SEA):
        shown += transcript(two.vios[0], lines, tmp_path)
        two.pass_time(1000)
    golden("vios-ethernet.txt", shown)
    two.close()


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_prints_what_it_should(
    name: str, tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    units = volumes(tmp_path, 101, 64, 40) if name == "volumes" else own_units(tmp_path)
    vios = server(tmp_path, *units, outside=name == "general", sas=1 + (name == "paths"))
    golden(f"vios-{name}.txt", transcript(vios, SESSIONS[name], tmp_path))
    vios.close()
