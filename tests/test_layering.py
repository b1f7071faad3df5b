"""Which package may import which: the whole architecture on one screen."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

MAY_IMPORT = {
    "emu": set[str](),
    "hypervisor": {"emu"},
    "firmware": {"emu", "hypervisor"},
    "guests": {"emu"},
    "lx86": {"emu"},
    "pyphyp": {"emu", "hypervisor", "firmware", "guests", "lx86"},
}
ROOT = Path(__file__).parent.parent
UNICORN = {ROOT / "emu" / "engine.py", ROOT / "lx86" / "unicorn_cpu.py"}
"""The POWER processor, and the x86 that translations are compared with."""
CLOCKS = {"time", "monotonic", "perf_counter", "now", "today", "utcnow", "process_time"}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_package_imports_only_layers_below(package: str) -> None:
    for file in sources(package):
        up = set(imports(file)) & (MAY_IMPORT.keys() - MAY_IMPORT[package] - {package})
        assert not up, f"{file.relative_to(ROOT)} imports {up}"


def test_guests_import_nothing_of_emu_but_the_assembler() -> None:
    for file in sources("guests"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("emu"):
                assert node.module == "emu.assembler", f"{file.relative_to(ROOT)}: {node.module}"


@pytest.mark.parametrize("package", ["emu", "hypervisor", "firmware"])
def test_machine_never_reads_the_host_clock(package: str) -> None:
    for file in sources(package):
        assert not {"time", "datetime"} & set(_clock_modules(file)), file.relative_to(ROOT)


def _clock_modules(file: Path) -> Iterator[str]:
    """The clock modules whose clocks a file reads; their arithmetic is no clock."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name == "time")
        elif (
            isinstance(node, ast.Attribute)
            and node.attr in CLOCKS
            and isinstance(node.value, ast.Name)
            and node.value.id in {"time", "datetime", "date"}
        ):
            yield node.value.id


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_only_the_engines_know_unicorn(package: str) -> None:
    for file in sources(package):
        if "unicorn" in set(imports(file)):
            assert file in UNICORN


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_files_stay_under_400_lines(package: str) -> None:
    for file in sources(package):
        assert len(file.read_text().splitlines()) <= 400, file.relative_to(ROOT)
