"""The command that changes attributes of devices: chdev."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.vio.configuration import Medium as MediumKind

from . import sea
from .device_listings import RESERVE_POLICIES, reserve_policy
from .records import ViosError
from .shell import Call, CommandGroup, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .units import PhysicalDevice

commands = CommandGroup()


@commands.define(
    "chdev",
    "Changes attributes of a device.",
    "chdev -dev DeviceName -attr Attribute=Value... [-perm]",
    dev=1,
    attr=None,
    perm=0,
)
def chdev(call: Call) -> Iterable[str]:
    name = call.needed("dev")
    disk = next((its for its in call.vios.devices if its.name == name), None)
    its = None
    if disk is None or disk.unit.medium is not MediumKind.DISK:
        its = call.vios.ethernet.shared(name)
    if "attr" not in call.flags:
        raise UsageError("The -attr flag is required.")
    if call.has("perm"):
        raise ViosError("chdev -perm: a change is made at once.")
    if its is not None:
        sea.change(call, its)
    elif disk is not None:
        _change_disk(disk, call.flags["attr"])
    yield f"{name} changed"


def _change_disk(disk: PhysicalDevice, given: list[str]) -> None:
    """A disk's attributes are what the machine file says; others are refused."""
    for text in given:
        attribute, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"Invalid attribute: {text[:80]}.  NAME=VALUE is needed.")
        if attribute != "reserve_policy":
            raise ViosError(f'"{attribute[:80]}" is not an attribute of {disk.name}.')
        if value not in RESERVE_POLICIES.split():
            raise ViosError(f"reserve_policy={value[:80]}: {RESERVE_POLICIES} are possible.")
        if value != reserve_policy(disk):
            what = "needs it to be" if value == "no_reserve" else "is not of one that is"
            raise ViosError(f"{disk.name}: {text} {what} ,shared in the machine file.")
