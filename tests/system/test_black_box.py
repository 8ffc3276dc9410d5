"""These tests know the service from outside only."""

import ast
from pathlib import Path


def test_no_system_test_imports_the_service() -> None:
    files = sorted(Path(__file__).parent.rglob("*.py"))
    assert len(files) > 10
    imported = {(path.name, name) for path in files for name in _imports(path)}
    assert [(file, name) for file, name in imported if name.split(".")[0] == "service"] == []


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names
