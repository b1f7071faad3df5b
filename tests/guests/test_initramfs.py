"""The archive format and the initial file system made with it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from guests.cpio import (
    CharacterDevice,
    Directory,
    Entry,
    File,
    Symlink,
    archive,
    file_sizes,
)
from guests.initramfs import KERNEL_BYTES, applets, build_initramfs, memory_needed

BUSYBOX = b"\x7fELF...\0[\0[[\0ash\0cttyhack\0poweroff\0sh\0\0rest"
needs_cpio = pytest.mark.skipif(not shutil.which("cpio"), reason="no cpio on this host")


def listing(data: bytes) -> dict[str, list[str]]:
    """What `cpio -itv` makes of an archive: path -> the columns before it."""
    shown = subprocess.run(
        ["cpio", "-itv", "--quiet", "--numeric-uid-gid"],
        input=data,
        capture_output=True,
        check=True,
    )
    lines = (line.split() for line in shown.stdout.decode().splitlines())
    return {
        columns[columns.index("1970") + 1]: columns[: columns.index("1970")] for columns in lines
    }


@needs_cpio
def test_cpio_lists_every_kind_of_entry() -> None:
    tree: dict[str, Entry] = {
        "/dev/null": CharacterDevice(1, 3, 0o666),
        "bin/tool": File(b"#!/bin/sh\n", 0o755),
        "sbin": Symlink("bin"),
        "tmp": Directory(0o1777),
    }
    found = listing(archive(tree))
    assert list(found) == [".", "bin", "bin/tool", "dev", "dev/null", "sbin", "tmp"]
    assert found["bin/tool"][:5] == ["-rwxr-xr-x", "1", "0", "0", "10"]
    assert found["dev/null"][0] == "crw-rw-rw-"
    assert found["dev/null"][4:6] == ["1,", "3"]
    assert found["sbin"][0] == "lrwxrwxrwx"
    assert found["tmp"][0] == "drwxrwxrwt"
    assert found["dev"][0] == "drwxr-xr-x"


@needs_cpio
def test_cpio_extracts_the_contents_as_they_were_given(tmp_path: Path) -> None:
    tree = {"a/one": File(b"x"), "a/two": File(bytes(range(256)) * 5), "empty": File(b"")}
    subprocess.run(["cpio", "-id", "--quiet"], input=archive(tree), cwd=tmp_path, check=True)
    for name, entry in tree.items():
        assert (tmp_path / name).read_bytes() == entry.content


def test_an_archive_depends_on_its_tree_and_not_on_the_order_of_it() -> None:
    tree: dict[str, Entry] = {"b": File(b"2"), "a/x": File(b"1"), "a": Directory(0o700)}
    assert archive(tree) == archive(dict(reversed(tree.items())))


def test_every_record_of_an_archive_starts_on_a_word() -> None:
    data = archive({f"n{'x' * n}": File(b"y" * n) for n in range(9)})
    assert len(data) % 4 == 0
    assert all(at % 4 == 0 for at in range(len(data)) if data.startswith(b"070701", at))


@pytest.mark.parametrize("path", ["", "/", "../up", "a/../b", "a\0b"])
def test_a_path_that_names_nothing_in_the_archive_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no path inside"):
        archive({path: File(b"")})


def test_a_path_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="occurs twice"):
        archive({"/a": File(b""), "a": File(b"")})


def test_a_path_below_a_symlink_is_refused() -> None:
    with pytest.raises(ValueError, match="which is no directory"):
        archive({"sbin": Symlink("bin"), "sbin/init": File(b"")})


def test_the_applets_are_read_from_the_table_in_the_binary() -> None:
    assert applets(BUSYBOX) == ("[", "[[", "ash", "cttyhack", "poweroff", "sh")


def test_a_binary_without_a_table_of_applets_is_refused() -> None:
    with pytest.raises(ValueError, match="not a busybox"):
        applets(b"\x7fELF")


def test_equal_arguments_give_an_equal_initramfs() -> None:
    first = build_initramfs(BUSYBOX, extra={"a": b"1"}, script="true\n")
    assert first == build_initramfs(BUSYBOX, extra={"a": b"1"}, script="true\n")


@needs_cpio
def test_the_initramfs_has_what_a_kernel_needs_to_start_it() -> None:
    found = listing(build_initramfs(BUSYBOX))
    assert found["init"][0] == "-rwxr-xr-x"
    assert found["dev/console"][4:6] == ["5,", "1"]
    assert found["usr/bin/sh"][0] == "lrwxrwxrwx"
    assert "etc/rc.local" not in found


@needs_cpio
def test_extra_entries_are_added_and_replace_ours() -> None:
    found = listing(
        build_initramfs(BUSYBOX, extra={"/init": File(b"mine", 0o700), "lib/x.ko": b"ELF"})
    )
    assert found["init"][0] == "-rwx------"
    assert found["usr/lib/x.ko"][4] == "3"


@needs_cpio
@pytest.mark.parametrize("directory", ["bin", "sbin", "usr/bin", "/usr/sbin"])
def test_every_place_for_programs_is_the_same(directory: str) -> None:
    extra: dict[str, bytes | Entry] = {directory: Directory(0o700), f"{directory}/ash": b"mine"}
    found = listing(build_initramfs(BUSYBOX, extra=extra))
    assert found["bin"][0] == "lrwxrwxrwx"
    assert found["usr/bin/ash"][4] == "4"


def test_packages_stand_between_ours_and_what_is_added() -> None:
    data = build_initramfs(BUSYBOX, packages=b"<packages>", extra={"mine": b""})
    assert data.index(b"busybox") < data.index(b"<packages>") < data.index(b"mine")


@needs_cpio
def test_a_script_becomes_rc_local() -> None:
    found = listing(build_initramfs(BUSYBOX, script="poweroff -f\n"))
    assert found["etc/rc.local"][4] == "12"


def test_the_sizes_of_files_are_read_from_archives_that_follow_each_other() -> None:
    first = archive({"a": File(b"12345"), "d": Directory(), "l": Symlink("a")})
    second = archive({"a": File(b""), "b": File(b"x" * 70_000), "null": CharacterDevice(1, 3)})
    assert list(file_sizes(first + second)) == [5, 0, 70_000]


def test_the_memory_needed_counts_whole_pages_and_the_archive() -> None:
    data = archive({"a": File(b"1"), "b": File(b"x" * 65_537)})
    assert memory_needed(data, direct=True) == KERNEL_BYTES + len(data) + 3 * 65_536
    assert memory_needed(data) == 512 << 20
