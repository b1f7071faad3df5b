"""What a package's files become in the guest's file system."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from guests.cpio import Directory, File, Symlink
from guests.layout import placed
from guests.package_tree import package_tree
from guests.packages import GuestFilesError
from tests.guests.test_packages import build_deb

pytestmark = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no dpkg-deb on this host")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("./bin/ls", "usr/bin/ls"),
        ("/usr/sbin/useradd", "usr/bin/useradd"),
        ("lib/x/libc.so.6", "usr/lib/x/libc.so.6"),
        ("usr/lib/y", "usr/lib/y"),
        ("lib64/ld64.so.2", "usr/lib64/ld64.so.2"),
        ("library", "library"),
        ("./", ""),
    ],
)
def test_a_path_lands_where_debians_merged_layout_has_it(path: str, place: str) -> None:
    assert placed(path) == place


def test_files_directories_and_links_keep_mode_and_target(tmp_path: Path) -> None:
    deb = build_deb(tmp_path, "p", {"bin/tool": b"#!"}, {"usr/bin/also": "../lib/t", "sbin/t": "u"})
    (tmp_path / "p.root/bin/tool").chmod(0o4755)
    (tmp_path / "p.root/var").mkdir(0o700)
    subprocess.run(["dpkg-deb", "--build", tmp_path / "p.root", deb], check=True)
    tree = package_tree(deb)
    assert tree["usr/bin/tool"] == File(b"#!", 0o4755)
    assert tree["usr/bin/also"] == Symlink("../lib/t")
    assert tree["usr/bin/t"] == Symlink("u")
    assert tree["var"] == Directory(0o700)
    assert "bin" not in tree


def test_a_second_name_of_a_file_has_its_content(tmp_path: Path) -> None:
    deb = build_deb(tmp_path, "p", {"usr/bin/perl": b"x"})
    os.link(tmp_path / "p.root/usr/bin/perl", tmp_path / "p.root/usr/bin/perl5")
    subprocess.run(["dpkg-deb", "--build", tmp_path / "p.root", deb], check=True)
    tree = package_tree(deb)
    assert tree["usr/bin/perl5"] == tree["usr/bin/perl"] == File(b"x", 0o644)


def test_a_link_that_would_point_at_itself_is_left_out(tmp_path: Path) -> None:
    deb = build_deb(tmp_path, "p", {"bin/which": b"x"}, {"usr/bin/which": "/bin/which"})
    assert package_tree(deb)["usr/bin/which"] == File(b"x", 0o644)


def test_documentation_stays_out(tmp_path: Path) -> None:
    deb = build_deb(tmp_path, "p", {"usr/share/doc/p/copyright": b"", "usr/share/p/data": b""})
    assert [path for path in package_tree(deb) if path.startswith("usr/share/")] == [
        "usr/share/p",
        "usr/share/p/data",
    ]


def test_a_cut_package_is_called_damaged(tmp_path: Path) -> None:
    deb = build_deb(tmp_path, "p", {"a": b"x" * 100_000})
    deb.write_bytes(deb.read_bytes()[:200])
    with pytest.raises(GuestFilesError, match="damaged"):
        package_tree(deb)
