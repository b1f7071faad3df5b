"""The hypercalls of virtual Ethernet adapters (LoPAR 17.3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.abi import H, HcallError, UnitAddress
from hypervisor.hcall import HcallGroup

from .lan import LanAdapter
from .lan_buffers import Descriptor

if TYPE_CHECKING:
    from .adapter import AdapterCaller
    from .tce import IoBusAddress

hcalls = HcallGroup()


def _adapter(caller: AdapterCaller, unit: UnitAddress) -> LanAdapter:
    adapter = caller.partition.virtual_io.bus.adapter(unit)
    if not isinstance(adapter, LanAdapter):
        raise HcallError(H.PARAMETER, f"the adapter at {unit:#x} is no logical LAN")
    return adapter


@hcalls.define(0x114, papr="17.3.3.1", function_set="hcall-lLAN")
def h_register_logical_lan(
    caller: AdapterCaller,
    unit: UnitAddress,
    buffer_list: IoBusAddress,
    queue: int,
    filters: IoBusAddress,
    mac: int,
) -> None:
    """Open a virtual Ethernet adapter, with pages for its lists and a receive queue."""
    _adapter(caller, unit).register(buffer_list, Descriptor.of(queue), filters, mac)


@hcalls.define(0x118, papr="17.3.3.2", function_set="hcall-lLAN")
def h_free_logical_lan(caller: AdapterCaller, unit: UnitAddress) -> None:
    """Close it; its buffers are the guest's again."""
    _adapter(caller, unit).free()


@hcalls.define(0x11C, papr="17.3.3.3", function_set="hcall-lLAN")
def h_add_logical_lan_buffer(caller: AdapterCaller, unit: UnitAddress, buffer: int) -> None:
    """Post a receive buffer."""
    _adapter(caller, unit).add_buffer(Descriptor.of(buffer))


@hcalls.define(0x1D4, papr="17.3.3.4", function_set="hcall-lLAN")
def h_free_logical_lan_buffer(caller: AdapterCaller, unit: UnitAddress, length: int) -> None:
    """Take a receive buffer of that length back."""
    _adapter(caller, unit).free_buffer(length)


@hcalls.define(0x120, papr="17.3.3.5", function_set="hcall-lLAN")
def h_send_logical_lan(
    caller: AdapterCaller,
    unit: UnitAddress,
    first: int,
    second: int,
    third: int,
    fourth: int,
    fifth: int,
    sixth: int,
    correlator: int,
    mss: int,
) -> int:
    """Send a frame gathered from up to six buffers; one call is always enough."""
    named = (first, second, third, fourth, fifth, sixth)
    _adapter(caller, unit).send([Descriptor.of(its) for its in named if its], mss)
    return 0


@hcalls.define(0x130, papr="17.3.3.6", function_set="hcall-lLAN")
def h_multicast_ctrl(caller: AdapterCaller, unit: UnitAddress, command: int, mac: int) -> int:
    """Say which multicasts are taken."""
    _adapter(caller, unit).multicast(command, mac)
    return 0


@hcalls.define(0x14C, papr="17.3.3.7", function_set="hcall-lLAN")
def h_change_logical_lan_mac(caller: AdapterCaller, unit: UnitAddress, mac: int) -> None:
    """Take unicasts to another address."""
    _adapter(caller, unit).change_address(mac)


@hcalls.define(0x244, papr="17.3.3.8", function_set="hcall-illan-options")
def h_illan_attributes(caller: AdapterCaller, unit: UnitAddress, reset: int, set_: int) -> int:
    """Reset and set attributes of an adapter; gives all of them."""
    return _adapter(caller, unit).attributes(reset, set_)
