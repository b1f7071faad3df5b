"""The code of the documentation runs, and the README names what there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("page", "count"), [("recipes.md", 4), ("api.md", 7)])
def test_the_code_of_a_page_runs_from_top_to_bottom(page: str, count: int) -> None:
    blocks = BLOCK.findall((ROOT / "docs" / page).read_text())
    assert len(blocks) == count
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), namespace)


def test_the_readme_names_only_what_the_package_offers() -> None:
    import pyphyp

    (block,) = BLOCK.findall((ROOT / "README.md").read_text())
    imported = [
        name.name
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.ImportFrom) and node.module == "pyphyp"
        for name in node.names
    ]
    assert imported
    assert all(hasattr(pyphyp, name) for name in imported)
