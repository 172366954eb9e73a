"""The shape of the package, as tests: if one fails, change the design on purpose, not by accident."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "swarm"
MODULES = sorted(path for path in ROOT.rglob("*.py") if not {"_demo", "_experts"} & set(path.parts))
PURE = [
    "errors.py", "messages.py", "events.py", "spec/graph.py", "spec/expert.py", "spec/condition.py",
    "routing/cascade.py", "_graph/*.py", "_engine/scheduler.py",
]  # fmt: skip
BANNED = ("pickle", "marshal", "shelve")
assert all(any(ROOT.glob(pattern)) for pattern in PURE), "a pattern matches nothing: mend it"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_fits_on_a_few_screens(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 400, f"{lines} lines: split it by reason to change"


@pytest.mark.parametrize("path", [p for pattern in PURE for p in ROOT.glob(pattern)], ids=name_of)
def test_deciding_never_awaits(path: Path) -> None:
    awaits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    found = [node.lineno for node in ast.walk(tree_of(path)) if isinstance(node, awaits)]
    assert not found, f"async on lines {found}: move it to _engine/runner.py or a seam"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_opens_by_saying_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8").strip()
    assert not text or ast.get_docstring(ast.parse(text)), "write its docstring"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_inside_imports_the_front_door(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            assert "swarm" not in [alias.name for alias in node.names], f"line {node.lineno}: import a module"
        if isinstance(node, ast.ImportFrom) and node.module == "swarm":
            names = [alias.name for alias in node.names]
            through = [name for name in names if not _is_module(name)]
            assert not through, f"line {node.lineno}: import {through} from where it is defined"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_stored_data_stay_data(path: Path) -> None:
    imports = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {name for node in imports for name in _imported(node)}
    assert not names & set(BANNED), "what is read back from a disk must not be able to run"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_command_line_prints_to_standard_output(path: Path) -> None:
    if "_cli" in path.parts:
        return
    prints = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
        and not any(word.arg == "file" for word in node.keywords)
    ]
    assert not prints, f"print on lines {prints}: emit an event, or return the text"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_unforeseen_error_is_swallowed(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}: name what is caught"
            broad = {"Exception", "BaseException"} & {
                name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)
            }
            silent = all(isinstance(part, ast.Pass) for part in node.body)
            assert not (broad and silent), f"line {node.lineno}: an error nobody foresaw is swallowed"


def _is_module(name: str) -> bool:
    return (ROOT / f"{name}.py").is_file() or (ROOT / name / "__init__.py").is_file()


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
