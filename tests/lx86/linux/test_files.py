"""What a program sees of the host's files: its root, what is bound to it, and nothing else."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from lx86.linux.files import AT_FDCWD, Files, descriptor_limit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = b"not for the program"


class View:
    """A root beside a secret, and a program's view of the root."""

    def __init__(self, home: Path) -> None:
        self.home, self.root, self.bound = home, home / "root", home / "bound"
        for directory in (self.root / "a" / "b", self.bound / "inner", self.root / "mnt"):
            directory.mkdir(parents=True)
        (home / "secret").write_bytes(SECRET)
        (self.root / "a" / "file").write_bytes(b"inside")
        (self.bound / "inner" / "file").write_bytes(b"bound")
        (home / "ways").mkdir()
        self.files = Files(self.root, [("/mnt", self.bound)], descriptor_limit(), home / "ways")

    def read(self, path: str) -> bytes:
        file = self.files.open(AT_FDCWD, path.encode(), os.O_RDONLY, 0)
        try:
            return os.read(file, 100)
        finally:
            os.close(file)

    def refusal(self, path: str, flags: int = os.O_RDONLY) -> str:
        with pytest.raises(OSError) as refused:  # noqa: PT011
            os.close(self.files.open(AT_FDCWD, path.encode(), flags, 0o666))
        assert refused.value.errno is not None
        return errno.errorcode[refused.value.errno]


@pytest.fixture
def view(tmp_path: Path) -> View:
    return View(tmp_path)


@pytest.mark.parametrize(
    "path", ["/a/file", "/a/b/../file", "/../../a/file", "a//./file", "/a/b/../../../../a/file"]
)
def test_a_path_leads_to_a_file_of_the_root_and_no_further_up(view: View, path: str) -> None:
    assert view.read(path) == b"inside"


@pytest.mark.parametrize(
    "target",
    ["/a/file", "../../../../a/file", "/mnt/../a/file", "b/../../a/../a/file", "/chain"],
)
def test_a_link_leads_to_a_place_in_the_view(view: View, target: str) -> None:
    (view.root / "chain").symlink_to("a/file")
    (view.root / "a" / "link").symlink_to(
        target if target != "b/../../a/../a/file" else "b/../file"
    )
    assert view.read("/a/link") == b"inside"


@pytest.mark.parametrize(
    "make",
    [
        lambda view: (view.root / "way").symlink_to(view.home / "secret"),
        lambda view: (view.root / "way").symlink_to("../secret"),
        lambda view: (view.root / "way").symlink_to("/mnt/../../secret"),
        lambda view: (view.bound / "way").symlink_to("../../secret"),
        lambda view: (view.root / "way").symlink_to("/proc/self/root/etc/passwd"),
        lambda view: (view.root / "way").symlink_to("/proc/1/root/etc/passwd"),
        lambda view: (view.root / "way").symlink_to(f"/proc/{os.getpid()}/cwd/setup.py"),
    ],
)
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY, os.O_RDONLY | os.O_NOFOLLOW])
def test_no_link_leads_out(view: View, make: Callable[[View], None], flags: int) -> None:
    make(view)
    assert view.refusal("/way", flags) in ("ENOENT", "ELOOP")
    assert view.refusal("/mnt/way", flags) in ("ENOENT", "ELOOP")
    assert (view.home / "secret").read_bytes() == SECRET


def test_a_file_made_through_a_link_is_made_in_the_view(view: View) -> None:
    (view.root / "new").symlink_to("/../../a/made")
    os.close(view.files.open(AT_FDCWD, b"/new", os.O_CREAT | os.O_WRONLY, 0o644))
    assert (view.root / "a" / "made").is_file()
    assert view.refusal("/new", os.O_CREAT | os.O_EXCL | os.O_WRONLY) == "EEXIST"


def test_what_is_bound_hides_the_place_and_its_parent_is_the_place_s(view: View) -> None:
    (view.root / "mnt" / "hidden").write_bytes(b"hidden")
    assert view.read("/mnt/inner/file") == b"bound"
    assert view.refusal("/mnt/hidden") == "ENOENT"
    assert view.read("/mnt/inner/../../a/file") == b"inside"


def test_the_current_directory_is_known_by_the_program_s_path(view: View) -> None:
    directory = view.files.find(AT_FDCWD, b"/mnt/inner")
    view.files.change_directory(directory)
    assert view.files.current == b"/mnt/inner"
    assert view.read("file") == b"bound"
    assert view.read("../../a/file") == b"inside"
    (view.bound / "inner").rename(view.bound / "renamed")
    assert view.files.current == b"/mnt/renamed"
    (view.bound / "renamed").rename(view.home / "outside")
    assert view.refusal("file") == "ENOENT"
    assert view.refusal("../secret") == "ENOENT"
    os.close(directory)


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("", "ENOENT"),
        ("/nothing/file", "ENOENT"),
        ("/a/file/more", "ENOTDIR"),
        ("/a/file/..", "ENOTDIR"),
        ("/a/file/", "ENOTDIR"),
        ("/nothing/../a/file", "ENOENT"),
        ("/round", "ELOOP"),
        ("/" + "x" * 256, "ENAMETOOLONG"),
    ],
)
def test_a_path_is_refused_as_linux_does(view: View, path: str, refusal: str) -> None:
    (view.root / "round").symlink_to("round")
    assert view.refusal(path) == refusal


def test_a_directory_swapped_for_a_link_meanwhile_is_not_followed(view: View) -> None:
    parts = view.files.place(AT_FDCWD, b"/a/b").parts
    (view.root / "a" / "b").rmdir()
    (view.root / "a" / "b").symlink_to(view.home)
    with pytest.raises(OSError, match="symbolic links"):
        view.files.open_parts((*parts, b"secret"), os.O_RDONLY)


def test_the_root_and_what_is_bound_are_in_no_directory_of_the_program_s(view: View) -> None:
    for path in (b"/", b"/..", b"/mnt", b"/mnt/", b"/mnt/."):
        with pytest.raises(OSError, match="busy"):
            view.files.parent(AT_FDCWD, path, taken=errno.EBUSY)


def test_descriptors_of_ours_are_none_of_the_program_s(view: View) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        view.files.open(view.files.limit, b"file", os.O_RDONLY, 0)


def test_directories_lead_to_what_is_bound_and_nothing_is_made_in_them(view: View) -> None:
    (view.root / "lib").symlink_to("a/b")
    files = Files(
        view.root,
        [
            ("/home/me/work", view.bound),
            ("/home/me/other/secret", view.home / "secret"),
            ("/a/new/file", view.root / "a" / "file"),
            ("/lib/more/here", view.bound),
        ],
        descriptor_limit(),
        view.home / "ways",
    )  # fmt: skip

    def names(path: bytes) -> list[str]:
        file = files.open(AT_FDCWD, path, os.O_RDONLY | os.O_DIRECTORY, 0)
        try:
            return sorted(os.listdir(file))
        finally:
            os.close(file)

    assert (names(b"/home"), names(b"/home/me")) == (["me"], ["other", "work"])
    assert names(b"/home/me/other/../work") == names(b"/lib/more/here/.") == ["inner"]
    assert names(b"/a/b/more") == ["here"]
    for path in (b"/home/me/other/secret", b"/a/new/file"):
        os.close(files.open(AT_FDCWD, path, os.O_RDONLY, 0))
    files.change_directory(at := files.find(AT_FDCWD, b"/home/me"))
    os.close(at)
    assert files.current == b"/home/me"
    for path, refusal in (
        (b"/home/new", errno.EROFS),
        (b"/home/me/new", errno.EROFS),
        (b"/home/me", errno.EEXIST),
        (b"/home", errno.EEXIST),
        (b"/home/me/work", errno.EEXIST),
    ):
        with pytest.raises(OSError) as refused:  # noqa: PT011
            files.parent(AT_FDCWD, path)
        assert refused.value.errno == refusal, path
    for flags in (os.O_CREAT | os.O_WRONLY, os.O_TMPFILE | os.O_RDWR):
        with pytest.raises(OSError, match="Read-only file system"):
            files.open(AT_FDCWD, b"/home/me/new" if flags & os.O_CREAT else b"/home", flags, 0o600)
    assert sorted(os.listdir(view.root)) == ["a", "lib", "mnt"]
    assert os.listdir(view.root / "a" / "b") == []
