"""`swarm chat`: a conversation from a pipe, and on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from pathlib import Path

import pytest
from commandline import command, swarm

from swarm.testing import FakeModel, OllamaServer
from swarm.testing.fake_model import ChatRequest
from swarm.testing.ollama_server import in_thread


def turns(request: ChatRequest) -> str:
    """Answer with how many turns the model was sent."""
    return f"{len(request.messages)} turns, the last {request.last!r}"


@pytest.fixture
def counting_model(monkeypatch: pytest.MonkeyPatch) -> OllamaServer:
    return OllamaServer({"qwen3:4b": FakeModel(reply=turns)})


def test_every_line_of_a_pipe_is_answered_by_a_line() -> None:
    ran = swarm("chat", "hello.swarm.yaml", input="one\n\ntwo three\n")
    assert (ran.code, ran.out) == (0, "Hello one: 1\nHello two three: 2\n")


def test_the_conversation_so_far_goes_into_the_input_of_type_messages(
    counting_model: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_thread(counting_model) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        ran = swarm("chat", "model.swarm.yaml", input="a\nb\n/reset\nc\n")
    assert [line.split()[0] for line in ran.out.splitlines()] == ["1", "3", "1"]


def test_a_long_conversation_is_cut_at_its_beginning(
    counting_model: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_thread(counting_model) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        ran = swarm("chat", "model.swarm.yaml", "--no-save", input="hello\n" * 14)
    assert ran.out.splitlines()[-1].startswith("21 turns")


def test_why_shows_what_happened_in_the_last_turn() -> None:
    ran = swarm("chat", "hello.swarm.yaml", input="/why\nhi\n/why\n/quit\nnever\n")
    assert ran.out == "Hello hi: 1\n"
    assert "nothing was said yet" in ran.err
    assert "└─ hello" in ran.err


def test_a_turn_that_fails_does_not_end_the_conversation() -> None:
    ran = swarm("chat", "hello.swarm.yaml", input="boom\nhi\n")
    assert (ran.code, ran.out) == (0, "Hello hi: 1\n")
    assert "went wrong" in ran.err


def test_a_question_of_the_graph_is_answered_by_the_next_lines() -> None:
    ran = swarm("chat", "ask.swarm.yaml", input="10 EUR\nmaybe\nyes\nfine by me\n")
    assert (ran.code, ran.out) == (0, "approved: true fine by me\n")
    assert "approve asks: Refund 10 EUR?" in ran.err
    assert "expected boolean" in ran.err


def test_a_question_that_nobody_answers_ends_with_5() -> None:
    assert swarm("chat", "ask.swarm.yaml", input="10 EUR\n").code == 5


def test_other_inputs_are_given_once(project: Path) -> None:
    graph = (project / "hello.swarm.yaml").read_text().replace("times: integer?", "times: integer")
    (project / "strict.swarm.yaml").write_text(graph)
    refused = swarm("chat", "strict.swarm.yaml", input="hi\n")
    assert refused.code == 2
    assert "times: missing" in refused.err
    assert swarm("chat", "strict.swarm.yaml", "--input", "times=1", input="hi\n").out == "Hello hi: 1\n"


def test_a_graph_without_a_text_to_put_a_message_into_is_refused(project: Path) -> None:
    (project / "n.swarm.yaml").write_text(
        "swarm: 1\nname: n\ninput: {n: integer}\nnodes:\n  a: {reply: '{{ input.n }}'}\noutput: a\n"
    )
    ran = swarm("chat", "n.swarm.yaml", input="hi\n")
    assert ran.code == 2
    assert "takes no text" in ran.err


def on_a_terminal(arguments: list[str], typed: str, project: Path) -> str:
    """Run a command on a terminal of its own, type, and return the screen."""
    main, side = pty.openpty()
    child = subprocess.Popen(
        arguments, stdin=side, stdout=side, stderr=side, cwd=project, env={**os.environ, "TERM": "xterm"}
    )
    os.close(side)
    screen = b""
    for line in typed.splitlines(keepends=True):
        screen += _until_quiet(main)
        os.write(main, line.encode())
    screen += _until_quiet(main, ended=child)
    child.wait(timeout=20)
    os.close(main)
    return screen.decode()


def _until_quiet(main: int, ended: subprocess.Popen[bytes] | None = None) -> bytes:
    """Read until a prompt stands at the end, or the process has ended."""
    read, deadline = b"", time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            piece = os.read(main, 65536)
        except OSError:  # the other end is closed: this is how a terminal says so
            break
        read += piece
        if ended is None and read.rstrip(b"\x1b[0m").rstrip().endswith((b">", b":")):
            break
    return read


def test_on_a_terminal_there_is_a_prompt_and_the_question_is_asked(project: Path) -> None:
    screen = on_a_terminal(command("chat", "ask.swarm.yaml"), "5 EUR\ny\n\n/quit\n", project)
    assert "> " in screen
    assert "approved (y/n)" in screen
    assert "approved: true" in screen


def test_on_a_terminal_a_run_that_pauses_asks(project: Path) -> None:
    screen = on_a_terminal(
        command("run", "ask.swarm.yaml", "--input", "message=5 EUR"), "n\nno money\n", project
    )
    assert "approved: false no money" in screen
    assert "\x1b[1m" in screen, "colours on a terminal"


def test_no_color_takes_the_colours_away(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = on_a_terminal(command("run", "hello.swarm.yaml", "--input", "message=x"), "", project)
    assert "Hello x" in screen
    assert "\x1b[" not in screen


def test_what_would_command_the_terminal_is_shown_instead(project: Path) -> None:
    screen = on_a_terminal(command("run", "hello.swarm.yaml", "--input", "message=a\x1b[2Jb"), "", project)
    assert "\x1b[2J" not in screen
    assert "\\x1b[2Jb" in screen
