"""Client services (IEEE 1275 6.3.2), called through the hypercall a guest makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from firmware.instances import INSTANCE_LIMIT
from firmware.loading import CLIENT_ENTRY, FIRMWARE_BYTES
from hypervisor.abi import H
from hypervisor.partition import Ending
from tests.firmware.conftest import CONSOLE

if TYPE_CHECKING:
    from hypervisor.partition import Partition
    from tests.firmware.guest import Guest

FAILED = 0xFFFF_FFFF
VTY = "/vdevice/vty@30000000"


def property_of(guest: Guest, path: str, name: str) -> bytes | None:
    buffer = guest.buffer()
    length = guest.call("getprop", guest.call("finddevice", path), name, buffer, 256)
    return None if length == FAILED else guest.memory.read(buffer, length)


def test_finddevice_gives_the_phandle_of_a_path(guest: Guest) -> None:
    assert guest.call("finddevice", VTY) == guest.firmware.tree.at(VTY).phandle


@pytest.mark.parametrize("specifier", ["hvterm", "/vdevice/vty", VTY + ":arguments"])
def test_finddevice_knows_aliases_nodes_without_unit_and_arguments(
    guest: Guest, specifier: str
) -> None:
    assert guest.call("finddevice", specifier) == guest.firmware.tree.at(VTY).phandle


@pytest.mark.parametrize("specifier", ["/vdevice/vtpm", "nosuchalias", "", "/" + "a" * 2000])
def test_finddevice_gives_minus_one_where_nothing_is(guest: Guest, specifier: str) -> None:
    assert guest.call("finddevice", specifier) == FAILED


def test_peer_of_zero_is_the_root(guest: Guest) -> None:
    assert guest.call("peer", 0) == guest.firmware.tree.phandle


def test_child_and_peer_reach_every_node_once(guest: Guest) -> None:
    found: list[int] = []
    waiting = [guest.call("peer", 0)]
    while waiting:
        phandle = waiting.pop()
        found.append(phandle)
        child = guest.call("child", phandle)
        while child:
            assert guest.call("parent", child) == phandle
            waiting.append(child)
            child = guest.call("peer", child)
    assert sorted(found) == sorted(node.phandle for node in guest.firmware.tree.walk())


@pytest.mark.parametrize("service", ["peer", "child", "parent"])
def test_an_unknown_phandle_has_no_relatives(guest: Guest, service: str) -> None:
    assert guest.call(service, 0xDEAD) == 0


def test_the_root_has_no_peer_and_no_parent(guest: Guest) -> None:
    root = guest.firmware.tree.phandle
    assert (guest.call("peer", root), guest.call("parent", root)) == (0, 0)


def test_getprop_copies_no_more_than_the_buffer_and_gives_the_whole_length(guest: Guest) -> None:
    buffer = guest.buffer(8)
    assert guest.call("getprop", guest.call("finddevice", "/"), "device_type", buffer, 2) == 5
    assert guest.memory.read(buffer, 4) == b"ch\xee\xee"


def test_getprop_knows_the_name_and_the_phandle_of_a_node(guest: Guest) -> None:
    assert property_of(guest, VTY, "name") == b"vty\0"
    phandle = guest.call("finddevice", VTY)
    assert property_of(guest, VTY, "phandle") == phandle.to_bytes(4, "big")


def test_getproplen_of_a_property_without_value_is_0_and_of_none_is_minus_one(
    guest: Guest,
) -> None:
    rtas = guest.call("finddevice", "/rtas")
    assert guest.call("getproplen", rtas, "ibm,extended-os-term") == 0
    assert guest.call("getproplen", rtas, "nonesuch") == FAILED


def test_nextprop_goes_through_all_properties_and_ends_with_0(guest: Guest) -> None:
    phandle, buffer, names = guest.call("finddevice", VTY), guest.buffer(), [""]
    while guest.call("nextprop", phandle, names[-1], buffer) == 1:
        names.append(guest.memory.read_string(buffer).decode())
    assert names[1:] == ["name", *guest.firmware.tree.at(VTY).all_properties()]


def test_nextprop_starts_at_a_null_pointer_too(guest: Guest) -> None:
    buffer = guest.buffer()
    assert guest.call("nextprop", guest.call("finddevice", "/"), 0, buffer) == 1
    assert guest.memory.read_string(buffer) == b"name"


def test_nextprop_behind_an_unknown_property_fails(guest: Guest) -> None:
    phandle = guest.call("finddevice", "/")
    assert guest.call("nextprop", phandle, "nonesuch", guest.buffer()) == FAILED


def test_setprop_makes_and_changes_properties(guest: Guest) -> None:
    chosen = guest.call("finddevice", "/chosen")
    for value in (b"one\0", b"three\0"):
        assert guest.call("setprop", chosen, "x", guest.place(value), len(value)) == len(value)
        assert property_of(guest, "/chosen", "x") == value


@pytest.mark.parametrize("name", ["name", "phandle", "", "x" * 65])
def test_setprop_refuses_names_that_firmware_keeps_or_that_are_too_long(
    guest: Guest, name: str
) -> None:
    assert guest.call("setprop", guest.call("finddevice", "/chosen"), name, 0, 4) == FAILED


def test_setprop_is_refused_before_the_tree_grows_without_bound(guest: Guest) -> None:
    chosen = guest.call("finddevice", "/chosen")
    results = [guest.call("setprop", chosen, f"p{n}", 0, 1 << 16) for n in range(40)]
    assert results[0] == 1 << 16
    assert results[-1] == FAILED
    size = sum(len(value) for value in guest.firmware.tree.at("/chosen").properties.values())
    assert size < 1 << 21


def test_package_to_path_gives_the_length_without_the_zero_it_writes(guest: Guest) -> None:
    buffer = guest.buffer()
    phandle = guest.call("finddevice", VTY)
    assert guest.call("package-to-path", phandle, buffer, 256) == len(VTY)
    assert guest.memory.read(buffer, len(VTY) + 1) == VTY.encode() + b"\0"


def test_canon_gives_the_full_path_of_an_alias(guest: Guest) -> None:
    buffer = guest.buffer()
    assert guest.call("canon", "hvterm:9600", buffer, 256) == len(VTY) + 5
    assert guest.memory.read_string(buffer) == VTY.encode() + b":9600"


def test_an_instance_knows_its_package_and_its_path_with_arguments(guest: Guest) -> None:
    ihandle, buffer = guest.call("open", VTY + ":9600"), guest.buffer()
    assert guest.call("instance-to-package", ihandle) == guest.call("finddevice", VTY)
    assert guest.call("instance-to-path", ihandle, buffer, 256) == len(VTY) + 5
    assert guest.memory.read_string(buffer) == VTY.encode() + b":9600"


def test_a_closed_instance_is_no_instance(guest: Guest) -> None:
    ihandle = guest.call("open", VTY)
    guest.service("close", ihandle, returns=0)
    assert guest.call("instance-to-package", ihandle) == FAILED


def test_open_gives_0_for_no_device_and_for_too_many_instances(guest: Guest) -> None:
    assert guest.call("open", "/nothing") == 0
    opened = [guest.call("open", VTY) for _ in range(INSTANCE_LIMIT)]
    assert opened[0] != 0
    assert opened[-1] == 0


def handle_in_chosen(guest: Guest, name: str) -> int:
    value = property_of(guest, "/chosen", name)
    assert value is not None
    return int.from_bytes(value, "big")


def test_write_to_stdout_reaches_the_console(guest: Guest, screen: bytearray) -> None:
    stdout = handle_in_chosen(guest, "stdout")
    assert guest.call("write", stdout, guest.place(b"hello"), 5) == 5
    assert screen == b"hello"


def test_read_takes_what_waits_and_gives_minus_two_for_nothing(
    guest: Guest, partition: Partition
) -> None:
    stdin, buffer = handle_in_chosen(guest, "stdin"), guest.buffer()
    assert guest.call("read", stdin, buffer, 8) == 0xFFFF_FFFE
    partition.virtual_io.terminals.terminal(CONSOLE).type(b"abc")
    assert guest.call("read", stdin, buffer, 8) == 3
    assert guest.memory.read(buffer, 3) == b"abc"


def test_typed_text_is_not_lost_on_a_buffer_outside_storage(
    guest: Guest, partition: Partition
) -> None:
    partition.virtual_io.terminals.terminal(CONSOLE).type(b"abc")
    assert guest.call("read", handle_in_chosen(guest, "stdin"), 0xFFFF_0000, 8) == FAILED
    assert partition.virtual_io.terminals.terminal(CONSOLE).waiting == 3


def test_only_terminals_can_be_read_and_written_and_nothing_sought(guest: Guest) -> None:
    memory = handle_in_chosen(guest, "memory")
    assert guest.call("write", memory, guest.buffer(), 1) == FAILED
    assert guest.call("read", memory, guest.buffer(), 1) == FAILED
    assert guest.call("seek", handle_in_chosen(guest, "stdin"), 0, 0) == FAILED


def test_stdin_and_stdout_are_closed_apart(guest: Guest) -> None:
    guest.service("close", handle_in_chosen(guest, "stdin"), returns=0)
    assert guest.call("write", handle_in_chosen(guest, "stdout"), guest.buffer(), 1) == 1


# -- memory ----------------------------------------------------------------------------------


def test_claim_with_alignment_0_claims_exactly_there_and_once(guest: Guest) -> None:
    assert guest.call("claim", 0xC00000, 0x1000, 0) == 0xC00000
    assert guest.call("claim", 0xC00800, 0x1000, 0) == FAILED


def test_claim_with_an_alignment_finds_free_storage(guest: Guest) -> None:
    claimed = guest.call("claim", 0, 0x1000, 0x10000)
    assert claimed % 0x10000 == 0
    assert claimed >= FIRMWARE_BYTES


@pytest.mark.parametrize(("base", "size"), [(0, 0x1000), (CLIENT_ENTRY, 4), (0, 1 << 31), (5, 0)])
def test_claim_refuses_what_firmware_keeps_or_storage_has_not(
    guest: Guest, base: int, size: int
) -> None:
    assert guest.call("claim", base, size, 0) == FAILED


def test_release_makes_storage_claimable_again(guest: Guest) -> None:
    guest.call("claim", 0xC00000, 0x3000, 0)
    guest.service("release", 0xC01000, 0x1000, returns=0)
    assert guest.call("claim", 0xC01000, 0x1000, 0) == 0xC01000


def test_available_is_what_nobody_has_claimed(guest: Guest) -> None:
    guest.call("claim", 0xC00000, 0x1000, 0)
    available = property_of(guest, "/memory@0", "available")
    assert available is not None
    last = available[-16:]
    assert int.from_bytes(last[:8], "big") == 0xC01000
    assert int.from_bytes(last[8:], "big") == 16 * (1 << 20) - 0xC01000


# -- control ---------------------------------------------------------------------------------


def test_exit_ends_the_partition(guest: Guest, partition: Partition) -> None:
    guest.service("exit", returns=0)
    assert partition.outcome is not None
    assert partition.outcome.ending is Ending.EXIT


def test_boot_reboots_with_the_specifier(guest: Guest, partition: Partition) -> None:
    guest.service("boot", "disk:2", returns=0)
    assert partition.outcome is not None
    assert (partition.outcome.ending, partition.outcome.reason) == (Ending.REBOOT, "disk:2")


def test_enter_and_quiesce_let_the_client_go_on(guest: Guest, partition: Partition) -> None:
    for service in ("enter", "quiesce"):
        guest.service(service, returns=0)
        assert guest.last_code == 0
    assert partition.outcome is None


def test_interpret_fails_with_a_catch_result(guest: Guest) -> None:
    assert guest.call("interpret", "1 2 +", 3, 4) == FAILED


def test_milliseconds_follow_the_time_base(guest: Guest, partition: Partition) -> None:
    before = guest.call("milliseconds")
    partition.pass_time(partition.time_base + 512_000 * 7)
    assert guest.call("milliseconds") - before == 7


def test_test_tells_which_services_there_are(guest: Guest) -> None:
    assert guest.call("test", "getprop") == 0
    assert guest.call("test", "nonesuch") == FAILED


# -- the argument array ----------------------------------------------------------------------


def test_an_unknown_service_gives_minus_one_in_r3(guest: Guest) -> None:
    guest.call("nonesuch")
    assert guest.last_code == -1


def test_a_known_service_that_fails_gives_0_in_r3(guest: Guest) -> None:
    guest.call("finddevice", "/nothing")
    assert guest.last_code == 0


def test_too_few_or_too_many_arguments_fail_the_service(guest: Guest) -> None:
    assert guest.call("finddevice") == FAILED
    assert guest.call("finddevice", "/", 0) == FAILED


def test_return_cells_without_a_result_are_0(guest: Guest) -> None:
    assert guest.service("peer", 0, returns=3)[1:] == (0, 0)


def test_results_without_a_return_cell_are_dropped(guest: Guest) -> None:
    assert guest.service("peer", 0, returns=0) == ()
    assert guest.last_code == 0


@pytest.mark.parametrize("block", [0x2, 1 << 32, (1 << 64) - 4, 16 * (1 << 20) - 4])
def test_an_array_that_is_unaligned_or_outside_storage_gives_minus_one(
    guest: Guest, block: int
) -> None:
    assert guest.hypercall(0xF005, block) == -1


def test_there_is_no_client_interface_without_a_client(partition: Partition) -> None:
    processor = partition.processors[0]
    processor.set_gpr(3, 0xF005)
    assert partition.hcalls.dispatch(processor) is H.FUNCTION


@pytest.mark.parametrize(
    ("word", "ending"), [("reset-all", Ending.REBOOT), ("power-off", Ending.POWER_OFF)]
)
def test_interpret_knows_the_words_that_end_a_run(
    guest: Guest, partition: Partition, word: str, ending: Ending
) -> None:
    assert guest.call("interpret", word) == 0
    assert partition.outcome is not None
    assert partition.outcome.ending is ending
