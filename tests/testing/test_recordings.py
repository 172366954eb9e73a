"""The fixture `recorded`: a run is made once with its models, and replayed offline ever after."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from swarm import Expert, Graph, InputError, ScriptedBackend, StoreError, Swarm, SwarmError, tool
from swarm._app.replaying import ReplayDiffersError
from swarm.errors import BackendUnavailable
from swarm.spec.expert import ConfidenceSpec
from swarm.stores.memory import MemoryStore
from swarm.testing.recordings import Mode, Recorded, file_name, mode_of


def desk(*, at_least: float = 0.5, words: str = "About") -> Graph:
    triage = Expert(
        kind="classify", description="Sorts.", input={"text": str}, labels={"refund": "", "other": ""},
        cascade=["scripted/small"], confidence=ConfidenceSpec(at_least=at_least),
    )  # fmt: skip
    graph = Graph("desk", input={"message": str})
    sorted_ = graph.expert("triage", triage, text=graph.input.message)
    graph.reply("answer", words + " {{ triage.label }}.", when=sorted_.confident)
    graph.reply("person", "A person will look.", when=~sorted_.confident)
    graph.output(graph["answer"], graph["person"])
    return graph


def models(*replies: Any) -> dict[str, ScriptedBackend]:
    return {"scripted": ScriptedBackend({"small": list(replies)})}


SURE: Any = {"label": {"refund": 0.9, "other": 0.1}}


def a_test(folder: Path, mode: Mode = "new") -> Recorded:
    """Return what the fixture gives to one and the same test, run after run."""
    return Recorded(folder / "recordings", "test_desk", mode)


async def test_the_first_run_is_live_and_all_later_ones_are_offline(tmp_path: Path) -> None:
    live = models(SURE)
    first = await a_test(tmp_path)(desk(), backends=live, message="money!")
    assert len(live["scripted"].requests) == 1
    none = models()
    later = await a_test(tmp_path, "none")(desk(), backends=none, message="money!")
    assert later.text == first.text == "About refund."
    assert none["scripted"].requests == []
    assert [file.name for file in (tmp_path / "recordings").iterdir()] == ["test_desk.json"]


async def test_a_changed_threshold_or_text_fails_with_what_is_different(tmp_path: Path) -> None:
    await a_test(tmp_path)(desk(), backends=models(SURE), message="money!")
    with pytest.raises(ReplayDiffersError, match="path of answer: recorded done, now skipped"):
        await a_test(tmp_path)(desk(at_least=0.95), message="money!")
    with pytest.raises(AssertionError, match=r"recorded About refund\., now On refund\."):
        await a_test(tmp_path)(desk(words="On"), message="money!")


async def test_recording_all_takes_a_change_over(tmp_path: Path) -> None:
    await a_test(tmp_path)(desk(), backends=models(SURE), message="money!")
    await a_test(tmp_path, "all")(desk(words="On"), backends=models(SURE), message="money!")
    assert (await a_test(tmp_path)(desk(words="On"), message="money!")).text == "On refund."


async def test_another_input_is_not_answered_from_the_old_recording(tmp_path: Path) -> None:
    await a_test(tmp_path)(desk(), backends=models(SURE), message="money!")
    with pytest.raises(StoreError, match="changed since it was recorded: input 'message'") as said:
        await a_test(tmp_path)(desk(), message="my parcel?")
    assert said.value.code == "input_changed"
    assert "--swarm-record=all" in said.value.hint


async def test_several_runs_of_one_test_are_numbered(tmp_path: Path) -> None:
    unsure: Any = {"label": {"refund": 0.4, "other": 0.6}}
    backends, test = models(SURE, unsure), a_test(tmp_path)
    await test(desk(), backends=backends, message="money!")
    await test(desk(), backends=backends, message="hm")
    again = a_test(tmp_path, "none")
    assert (await again(desk(), message="money!")).text == "About refund."
    assert (await again(desk(), message="hm")).text == "About other."
    names = sorted(file.name for file in (tmp_path / "recordings").iterdir())
    assert names == ["test_desk-2.json", "test_desk.json"]


async def test_where_nothing_is_recorded_a_missing_recording_fails(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="this run is not recorded") as said:
        await a_test(tmp_path, "none")(desk(), backends=models(SURE), message="money!")
    assert said.value.code == "no_recording"


async def test_a_run_that_no_model_answered_is_not_recorded(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable):
        await a_test(tmp_path)(desk(), backends=models(BackendUnavailable("nothing")), message="money!")
    assert not (tmp_path / "recordings").exists()


async def test_people_and_tools_are_recorded_too(tmp_path: Path) -> None:
    calls = list[int]()

    @tool
    async def pay(amount: int) -> int:
        """Pay."""
        calls.append(amount)
        return amount

    graph = Graph("refund", input={"amount": int})
    asked = graph.ask("approve", "Refund?", answer={"approved": bool, "note": "string?"})
    graph.output(graph.tool("paid", pay, amount=graph.input.amount, when=asked.approved))
    yes = {"approve": {"approved": True}}
    with pytest.raises(InputError, match="node 'approve' asks 'Refund\\?'"):
        await a_test(tmp_path)(graph, amount=5)
    for _ in range(2):
        assert (await a_test(tmp_path)(graph, answers=yes, amount=5)).output == 5
    assert calls == [5]
    with pytest.raises(StoreError, match="the answer to 'approve'"):
        await a_test(tmp_path)(graph, answers={"approve": {"approved": False}}, amount=5)


async def test_a_swarm_is_recorded_if_it_keeps_runs_and_replayed_if_not(tmp_path: Path) -> None:
    async with Swarm(desk(), backends=models(SURE)) as swarm:
        with pytest.raises(SwarmError, match="keeps no runs"):
            await a_test(tmp_path)(swarm, message="money!")
    async with Swarm(desk(), backends=models(SURE), store=MemoryStore()) as swarm:
        await a_test(tmp_path)(swarm, message="money!")
    async with Swarm(desk()) as swarm:
        assert (await a_test(tmp_path, "none")(swarm, message="money!")).text == "About refund."


def test_the_mode_is_what_the_option_says_and_none_where_ci_is_set() -> None:
    assert mode_of(None, {}) == "new"
    assert mode_of(None, {"CI": "true"}) == "none"
    assert mode_of(None, {"CI": "false"}) == "new"
    assert mode_of("all", {"CI": "true"}) == "all"


def test_tests_whose_names_would_make_one_file_have_two() -> None:
    names = {file_name(name) for name in ("test_a[x/y]", "test_a[x y]", "test_a_x_y", "T.test_a_x_y")}
    assert len(names) == 4
    assert all("/" not in name and len(name) < 120 for name in names)


TEST = """
async def test_hello(recorded):
    result = await recorded("hello.swarm.yaml", message=MESSAGE)
    assert result.text == "Hello Ada."


class TestAgain:
    async def test_hello(self, recorded):
        assert (await recorded("hello.swarm.yaml", message="Bob")).text == "Hello Bob."
"""
HELLO = """\
swarm: 1
name: hello
input: {message: string}
nodes:
  hello: {reply: "Hello {{ input.message }}."}
output: hello
"""


def pytest_in(folder: Path, *options: str, ci: str = "") -> subprocess.CompletedProcess[str]:
    """Run pytest in a project of its own."""
    command = [
        sys.executable, "-m", "pytest", "-q", "-o", "asyncio_mode=auto", "-p", "pytest_asyncio.plugin", "-p",
        "no:cacheprovider", *options,
    ]  # fmt: skip
    environ = {**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environ, check=False)


def test_the_fixture_records_beside_the_test_and_replays(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["swarm.testing.fixtures"]\n', encoding="utf-8")
    (tmp_path / "hello.swarm.yaml").write_text(HELLO, encoding="utf-8")
    test = tmp_path / "test_it.py"
    test.write_text(TEST.replace("MESSAGE", '"Ada"'), encoding="utf-8")
    first = pytest_in(tmp_path)
    assert "2 passed" in first.stdout, first.stdout + first.stderr
    files = sorted(file.name for file in (tmp_path / "recordings" / "test_it").iterdir())
    assert files == ["TestAgain.test_hello.json", "test_hello.json"]
    text = (tmp_path / "recordings" / "test_it" / "test_hello.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    (tmp_path / "hello.swarm.yaml").write_text(HELLO.replace("Hello", "Hi"), encoding="utf-8")
    changed = pytest_in(tmp_path, ci="true")
    assert "recorded Hello Ada., now Hi Ada." in changed.stdout
    assert "--swarm-record=all 'test_it.py::test_hello'" in changed.stdout
    test.write_text(test.read_text(encoding="utf-8").replace("Hello", "Hi"), encoding="utf-8")
    assert "2 passed" in pytest_in(tmp_path, "--swarm-record=all").stdout
