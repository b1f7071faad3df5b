"""The device tree: navigation, the flattened form (Devicetree Specification 5), source text."""

from __future__ import annotations

import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.device_tree import (
    Node,
    cells,
    cells64,
    flatten,
    number_nodes,
    source,
    string,
    strings,
)

if TYPE_CHECKING:
    from firmware.boot import PlatformFirmware

needs_dtc = pytest.mark.skipif(not shutil.which("dtc"), reason="no dtc on this host")


def dtc(form: str, data: bytes, to: str) -> tuple[bytes, str]:
    """What dtc makes of `data`, and what it says."""
    command = ["dtc", "-I", form, "-O", to, "-"]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    return done.stdout, done.stderr.decode()


def parse(blob: bytes) -> dict[str, dict[str, bytes]]:
    """A flattened tree as properties by path; a second reader, written from the specification."""
    magic, total, structure, text, _, version, *_ = struct.unpack(">10I", blob[:40])
    assert (magic, version, len(blob)) == (0xD00DFEED, 17, total)
    found: dict[str, dict[str, bytes]] = {}
    path: list[str] = []
    while True:
        (token,) = struct.unpack_from(">I", blob, structure)
        structure += 4
        match token:
            case 1:
                end = blob.index(b"\0", structure)
                path.append(blob[structure:end].decode())
                structure = end + 4 & ~3
                found["/".join(path) or "/"] = {}
            case 2:
                path.pop()
            case 3:
                length, offset = struct.unpack_from(">II", blob, structure)
                name = blob[text + offset : blob.index(b"\0", text + offset)].decode()
                structure += 8
                found["/".join(path) or "/"][name] = blob[structure : structure + length]
                structure = structure + length + 3 & ~3
            case 9:
                assert not path
                return found
            case _:
                raise AssertionError(f"token {token} at {structure:#x}")


def by_path(root: Node) -> dict[str, dict[str, bytes]]:
    return {node.path: dict(node.all_properties()) for node in root.walk()}


names = st.text("abcdefgh,-", min_size=1, max_size=12).filter(lambda name: name[0].isalpha())
properties = st.dictionaries(names, st.binary(max_size=40), max_size=4)


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> Node:
    node = Node("", properties=draw(properties))
    if depth:
        for name in draw(st.lists(names, max_size=3, unique=True)):
            child = draw(trees(depth=depth - 1))
            child.name, child.unit = name, draw(st.sampled_from(("", "0", "30000000")))
            node.add(child)
    return node


@given(trees())
@settings(max_examples=60, deadline=None)
def test_a_flattened_tree_read_back_is_the_tree(root: Node) -> None:
    number_nodes(root)
    assert parse(flatten(root)) == by_path(root)


@needs_dtc
@given(trees())
@settings(max_examples=12, deadline=None)
def test_dtc_compiles_the_source_to_the_same_tree(root: Node) -> None:
    blob, _ = dtc("dts", source(root).encode(), "dtb")
    assert parse(blob) == by_path(root)


@needs_dtc
def test_dtc_reads_the_platform_tree_without_a_warning(firmware: PlatformFirmware) -> None:
    blob, complaints = dtc("dtb", flatten(firmware.tree), "dtb")
    assert complaints == ""
    assert parse(blob) == by_path(firmware.tree)


@needs_dtc
def test_dtc_compiles_the_source_of_the_platform_tree(firmware: PlatformFirmware) -> None:
    blob, complaints = dtc("dts", source(firmware.tree).encode(), "dtb")
    assert complaints == ""
    assert parse(blob) == by_path(firmware.tree)


def test_reservations_stand_before_the_structure_and_end_with_zeros() -> None:
    blob = flatten(Node(""), reservations=((0x1000, 0x2000),))
    assert struct.unpack_from(">4Q", blob, 40) == (0x1000, 0x2000, 0, 0)


def test_the_header_names_the_boot_processor() -> None:
    assert struct.unpack_from(">I", flatten(Node(""), boot_processor=3), 28) == (3,)


def test_every_property_name_stands_once_in_the_strings_block() -> None:
    root = Node("", properties={"reg": cells(1)})
    root.add(Node("a", properties={"reg": cells(2)}))
    assert flatten(root).count(b"reg\0") == 1


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (cells(1, 0xFFFFFFFF), b"\0\0\0\1\xff\xff\xff\xff"),
        (cells64(1 << 32), b"\0\0\0\1\0\0\0\0"),
        (string("okay"), b"okay\0"),
        (strings("a", "b"), b"a\0b\0"),
    ],
)
def test_encodings_of_ieee_1275(encoded: bytes, expected: bytes) -> None:
    assert encoded == expected


@pytest.fixture
def small() -> Node:
    root = Node("")
    cpus = root.add(Node("cpus"))
    for unit in "01":
        cpus.add(Node("PowerPC,POWER9", unit))
    number_nodes(root, 0x1000)
    return root


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/", "/"),
        ("/cpus", "/cpus"),
        ("/cpus/PowerPC,POWER9@1", "/cpus/PowerPC,POWER9@1"),
        ("/cpus/PowerPC,POWER9", "/cpus/PowerPC,POWER9@0"),
        ("//cpus/", "/cpus"),
        ("/cpus/PowerPC,POWER9@2", None),
        ("/nothing/below", None),
    ],
)
def test_a_path_names_a_node_with_or_without_unit_address(
    small: Node, path: str, found: str | None
) -> None:
    node = small.find(path)
    assert (node.path if node else None) == found


def test_handles_follow_the_order_of_the_tree_and_find_their_nodes(small: Node) -> None:
    assert [node.phandle for node in small.walk()] == [0x1000, 0x1001, 0x1002, 0x1003]
    assert small.by_phandle(0x1003) is small.find("/cpus/PowerPC,POWER9@1")
    assert small.by_phandle(0x1004) is None
    assert small.by_phandle(0) is None


def test_a_handle_that_is_taken_is_not_given_twice() -> None:
    root = Node("")
    root.add(Node("a", phandle=1))
    number_nodes(root)
    assert root.phandle == 2


def test_two_children_cannot_have_one_name(small: Node) -> None:
    with pytest.raises(ValueError, match="PowerPC,POWER9@1"):
        small.at("/cpus").add(Node("PowerPC,POWER9", "1"))


def test_source_shows_strings_as_strings_and_numbers_as_cells() -> None:
    root = Node("", properties={"a": strings("x", 'y"'), "b": cells(255), "c": b"\1", "d": b""})
    assert source(root) == (
        '/dts-v1/;\n\n/ {\n\ta = "x", "y\\"";\n\tb = <0xff>;\n\tc = [01];\n\td;\n};\n'
    )
