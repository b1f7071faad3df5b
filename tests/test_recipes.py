"""The code of docs/recipes.md and of the README runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_recipes_run_from_top_to_bottom() -> None:
    blocks = BLOCK.findall((ROOT / "docs" / "recipes.md").read_text())
    assert len(blocks) == 4
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/recipes.md", "exec"), namespace)


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
