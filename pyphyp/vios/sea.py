"""What commands make, change and remove of Shared Ethernet Adapters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypervisor.network.failover import DISCOVERY_VLAN, HaMode
from hypervisor.network.switch import HIGHEST_VLAN

from .ethernet import MOST_TRUNKS, NOTHING_MEANT, SharedAdapter
from .records import ViosError
from .shell import Call, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


def make(call: Call) -> Iterator[str]:
    """`mkvdev -sea`."""
    ethernet = call.vios.ethernet
    its = SharedAdapter(
        ethernet.next_name(),
        _name(call.needed("sea")),
        _adapters(call.needed("vadapter")),
        _name(call.needed("default")),
        _vlan(call.needed("defaultid")),
    )
    its = _with_attributes(its, call.flags.get("attr", []))
    ethernet.make(its)
    yield f"{its.name} Available"
    yield f"en{its.name[3:]}"
    yield f"et{its.name[3:]}"


def remove(call: Call, name: str) -> Iterator[str]:
    """`rmdev`, `rmvdev -sea`: of the adapter `name`, or of what bridges it."""
    ethernet = call.vios.ethernet
    made = next((its for its in ethernet.made if name == its.physical), None)
    its = made or ethernet.shared(name)
    ethernet.remove(its)
    yield f"{its.name} deleted"


def change(call: Call, its: SharedAdapter) -> None:
    """`chdev`."""
    call.vios.ethernet.change(its, _with_attributes(its, call.flags["attr"]))


def _with_attributes(its: SharedAdapter, given: list[str]) -> SharedAdapter:
    """`its` with attributes as NAME=VALUE."""
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"Invalid attribute: {text[:80]}.  NAME=VALUE is needed.")
        match name:
            case "ha_mode":
                modes = {mode.value: mode for mode in HaMode}
                if value not in modes:
                    raise ViosError(f"ha_mode={value[:80]}: {', '.join(modes)} are possible.")
                its = replace(its, ha_mode=modes[value])
            case "ctl_chan":
                control = "" if value in ("", NOTHING_MEANT) else _name(value)
                its = replace(its, control=control)
            case "pvid":
                its = replace(its, default_vlan=_vlan(value))
            case "pvid_adapter":
                its = replace(its, default=_name(value))
            case "real_adapter":
                its = replace(its, physical=_name(value))
            case "virt_adapters":
                its = replace(its, trunks=_adapters(value))
            case _:
                raise ViosError(f'"{name[:80]}" is not an attribute of {its.name}.')
    return its


def _name(text: str) -> str:
    if not (text.startswith("ent") and text[3:].isascii() and text[3:].isdecimal()):
        raise ViosError(f'Device "{text[:80]}" was not found.')
    if len(text) > len("ent65535"):
        raise ViosError(f'Device "{text[:80]}" was not found.')
    return text


def _adapters(text: str) -> tuple[str, ...]:
    names = tuple(map(_name, text.split(",")))
    if len(names) > MOST_TRUNKS:
        raise ViosError(f"A Shared Ethernet Adapter has {MOST_TRUNKS} trunk adapters at most.")
    return names


def _vlan(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(DISCOVERY_VLAN))):
        raise ViosError(f"VLAN {text[:80]}: 1 to {HIGHEST_VLAN} are possible.")
    if not 1 <= (vlan := int(text)) <= HIGHEST_VLAN:
        raise ViosError(f"VLAN {vlan}: 1 to {HIGHEST_VLAN} are possible.")
    return vlan
