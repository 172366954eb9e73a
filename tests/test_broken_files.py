"""The corpus of broken files: each says in its first line what is wrong with it, and where.

`# expect: SW010:7 SW031:9`: the errors, exactly, as code and line. Codes from SW090 on are
warnings: they must be there, others may be too.
"""

from pathlib import Path

import pytest

from swarm.errors import Problem
from swarm.spec.findings import CODES

CORPUS = sorted((Path(__file__).parent / "broken").glob("*.swarm.yaml"))
FIRST_WARNING = "SW090"


def expected(path: Path) -> set[str]:
    first = path.read_text(encoding="utf-8").split("\n")[0]
    assert first.startswith("# expect: "), f"{path.name}: begin it with `# expect: SW010:7`"
    return set(first.removeprefix("# expect: ").split())


def check(path: Path) -> tuple[Problem, ...]:
    from swarm._app.check import check_file

    return check_file(path)


def places(problems: tuple[Problem, ...], severity: str) -> set[str]:
    return {f"{problem.code}:{problem.line}" for problem in problems if problem.severity == severity}


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name.removesuffix(".swarm.yaml"))
def test_a_broken_file_is_told_what_is_wrong_and_where(path: Path) -> None:
    problems = check(path)
    wanted = expected(path)
    errors = {place for place in wanted if place < FIRST_WARNING}
    report = "\n\n".join(problem.render() for problem in problems)
    assert places(problems, "error") == errors, f"{path.name} says otherwise:\n{report}"
    assert wanted - errors <= places(problems, "warning"), f"{path.name} lacks a warning:\n{report}"


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name.removesuffix(".swarm.yaml"))
def test_every_problem_shows_its_line_and_a_caret_inside_it(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    for problem in check(path):
        assert problem.source == lines[problem.line - 1], f"{problem.where} shows another line"
        assert 1 <= problem.col <= len(problem.source) + 1, f"{problem.where} is outside its line"
        assert problem.length <= max(1, len(problem.source) - problem.col + 1)
        assert problem.message, "a problem needs a sentence"
        assert "Input should" not in problem.message, "say it in our words, not in pydantic's"


def test_the_corpus_has_every_code_that_a_file_can_cause() -> None:
    seen = {place.split(":")[0] for path in CORPUS for place in expected(path)}
    assert seen == set(CODES) - {"SW070"}, "add a broken file for each code that is missing"
    assert len(CORPUS) >= 75
