"""The documentation is true: its code runs, its commands work, its links lead somewhere, nothing is stale.

How a page is run: its blocks in order, in a folder of its own that holds a copy of `examples/`.

- ```python is executed; the blocks of a page share their names.
- ```yaml is a graph, and is checked; with `# a part of a graph` in its first line it is a part of one,
  and with `# broken: SW033` it has that problem.
- `file=NAME` after the language also writes the block to that file.
- ```console is typed: `$ swarm ...`, `$ python FILE`, `$ pytest ...`, `$ echo $?`. What is printed
  below a command must be printed by it, numbers and spaces aside; `...` stands for anything.
- A block that says `# needs Ollama` is read, not run.
- Every other language (`sh`, `text`, `json`) is for readers.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from swarm.__main__ import main
from swarm._app.check import check_file
from swarm.spec.load import load_expert, load_text

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
NOBODY = "http://127.0.0.1:9"  # no model server, whatever runs on this machine
ENVIRONMENT = {"OLLAMA_HOST": NOBODY, "SWARM_OLLAMA_URL": NOBODY, "NO_COLOR": "1", "COLUMNS": "100"}
NEEDS_OLLAMA = "# needs Ollama"
PART = "# a part of a graph"
REST = {"swarm": "1", "name": "part", "nodes": "{only: {reply: x}}", "output": "only"}
BROKEN = re.compile(r"^# broken: (SW\d+)", re.M)
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S)
LINK = re.compile(r"(?<!\\)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (?P<text>.+)$", re.M)
README_COMMANDS = (
    "python3 -m venv .venv && .venv/bin/pip install -q '.[embedded]' && .venv/bin/swarm demo",
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/pytest -q",
)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block of a page; `where` is its place for messages."""

    language: str
    file: str
    text: str
    where: str


@dataclass(kw_only=True)
class Reader:
    """Somebody who follows a page: their folder, what they defined, how their last command ended."""

    folder: Path
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    exit_code: int = 0

    def follow(self, block: Block) -> None:
        """Do what the block says."""
        if NEEDS_OLLAMA in block.text:
            return
        if block.file:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        match block.language:
            case "python" if not block.file:
                exec(compile("\n" * _line(block) + block.text, block.where, "exec"), self.names)
            case "yaml":
                self.check(block)
            case "console":
                self.type(block)
            case _:
                pass

    def check(self, block: Block) -> None:
        """Check a graph, a part of one, or an expert's file."""
        if block.text.startswith(PART):
            check_part(block)
        elif block.file.endswith("expert.yaml"):
            loaded = load_expert(self.folder / block.file)
            wrong = [problem.render() for problem in loaded.problems([]) if problem.severity == "error"]
            assert not wrong, f"{block.where}\n" + "\n".join(wrong)
        else:
            path = self.folder / (block.file or "unnamed.swarm.yaml")
            path.write_text(block.text, encoding="utf-8")
            problems = check_file(path)
            expected = set(BROKEN.findall(block.text))
            shown = "\n".join(problem.render() for problem in problems)
            assert {problem.code for problem in problems} == expected, f"{block.where}\n{shown}"

    def type(self, block: Block) -> None:
        """Type the commands of a console block; compare what they print with what is shown."""
        for command, shown in _commands(block.text):
            if command == "echo $?":
                assert shown == [str(self.exit_code)], f"{block.where}: exit code {self.exit_code}"
                self.exit_code = 0
                continue
            assert self.exit_code == 0, f"{block.where}: the command before ended with {self.exit_code}"
            self.exit_code, printed = run(command, self.folder)
            missing = [line for line in shown if not _is_printed(line, printed)]
            assert not missing, f"{block.where}: `{command}` does not print {missing[0]!r}, but\n{printed}"


def check_part(block: Block) -> None:
    """Check the form of a part of a graph; the keys that every graph has are filled in."""
    written = set(re.findall(r"^(\w+):", block.text, re.M))
    rest = "".join(f"{key}: {value}\n" for key, value in REST.items() if key not in written)
    wrong = [problem.render() for problem in load_text(f"{block.text}\n{rest}", file=block.where).problems()]
    assert not wrong, "\n".join(wrong)


def run(command: str, folder: Path) -> tuple[int, str]:
    """Run a command as a shell would; return its exit code and all it printed."""
    words = shlex.split(command, comments=True)
    if words[0] == "swarm":
        printed = io.BytesIO()
        terminal = io.TextIOWrapper(printed, encoding="utf-8", write_through=True)
        with redirect_stdout(terminal), redirect_stderr(terminal):
            return main(words[1:]), printed.getvalue().decode()
    module = {"python": (), "pytest": ("-m", "pytest")}[words[0]]
    command_line = [sys.executable, *module, *words[1:]]
    at_home = {name: value for name, value in os.environ.items() if name != "CI"}  # as a reader types it
    done = subprocess.run(
        command_line, cwd=folder, env=at_home, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        language, _, option = match["info"].partition(" ")
        line = text.count("\n", 0, match.start()) + 1
        yield Block(
            language=language,
            file=option.removeprefix("file="),
            text=textwrap.dedent(match["text"]),
            where=f"{page.relative_to(ROOT)}:{line}",
        )


def _line(block: Block) -> int:
    return int(block.where.rpartition(":")[2])


def _commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a console block with the lines shown below it."""
    command, shown = "", list[str]()
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line[2:].strip(), []
        elif line.strip() and line.strip() != "...":
            shown.append(line)
    assert command, "a console block without a `$ ` line"
    yield command, shown


def _is_printed(line: str, printed: str) -> bool:
    """Return whether a shown line was printed, numbers and spaces aside."""
    pieces = [_plain(piece) for piece in line.split("...") if piece.strip()]
    return any(all(piece in _plain(row) for piece in pieces) for row in printed.splitlines())


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", re.sub(r"[\d.,:-]*\d", "0", text))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    found: set[str] = set()
    for match in HEADING.finditer(text):
        plain = re.sub(r"[^\w\- ]", "", match["text"].replace("`", "").lower()).replace(" ", "-")
        found.add(plain)
    return found


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Somebody in an empty folder beside the examples, on a machine without a model server."""
    left_out = shutil.ignore_patterns(".swarm", "__pycache__")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=left_out)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)
    return Reader(folder=tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_code_block_of_a_page_runs(page: Path, reader: Reader) -> None:
    for block in blocks(page):
        reader.follow(block)
    assert reader.exit_code == 0, f"{page.name}: the last command ended with {reader.exit_code}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for match in LINK.finditer(FENCE.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.relative_to(ROOT)}: nothing is at {match['target']!r}"
        if anchor:
            assert anchor in anchors(target), f"{page.relative_to(ROOT)}: no heading for {match['target']!r}"


def test_the_readme_gives_both_set_up_commands_each_on_a_line_of_its_own() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("python3 -m venv")] == list(README_COMMANDS)
