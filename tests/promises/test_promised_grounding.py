"""Whatever model answers, it is measured how well the answer stands on what it was given."""

from __future__ import annotations

from typing import Any

from swarm import Expert, Graph, Swarm
from swarm.backends.scripted import ScriptedBackend

FACTS = "Order 1042 was shipped on 3 March and should arrive on 6 March."


async def sure_of(answer: str, fields: dict[str, Any], **given: Any) -> float | None:
    expert = Expert.model_validate(
        {"cascade": ["scripted/small"], "confidence": {"from": "grounding", "at_least": 0.5}, **fields}
    )
    graph = Graph("one", input=dict.fromkeys(given, str))
    graph.output(graph.expert("it", expert, with_={name: getattr(graph.input, name) for name in given}))
    async with Swarm(graph, backends={"scripted": ScriptedBackend({"small": answer})}) as swarm:
        return (await swarm.run(**given)).confidence


async def test_a_writer_that_keeps_to_the_facts_is_surer_than_one_that_invents_a_number() -> None:
    writer = {"kind": "write", "input": {"question": "string", "facts": "string"}}
    true = await sure_of("Order 1042 should arrive on 6 March.", writer, question="when?", facts=FACTS)
    false = await sure_of("Order 1042 should arrive on 9 March.", writer, question="when?", facts=FACTS)
    assert true is not None
    assert false is not None
    assert false < 0.7 < true


async def test_a_writer_without_facts_is_measured_by_nothing() -> None:
    writer = {"kind": "write", "input": {"question": "string"}}
    assert await sure_of("Order 1042 has arrived.", writer, question="Has order 1042 arrived?") is None


async def test_a_summary_is_held_against_its_text() -> None:
    short = {"kind": "summarize", "input": {"text": "string"}}
    invented = await sure_of("The customer wants a refund from Berlin.", short, text=FACTS)
    kept = await sure_of("Order 1042 was shipped.", short, text=FACTS)
    assert (invented or 0) < 0.3
    assert kept == 1.0


async def test_extracted_fields_are_held_against_the_text_one_by_one() -> None:
    extract = {
        "kind": "extract",
        "input": {"text": "string"},
        "output": {"order": "string", "day": "string", "gift": "boolean"},
    }
    right = await sure_of('{"order": "1042", "day": "3 March", "gift": false}', extract, text=FACTS)
    wrong = await sure_of('{"order": "1043", "day": "3 March", "gift": false}', extract, text=FACTS)
    assert right == 1.0
    assert (wrong or 0) < 0.5


async def test_code_that_does_not_compile_is_worth_nothing_and_the_next_model_is_asked() -> None:
    coder = Expert.model_validate(
        {
            "kind": "code",
            "input": {"task": "string"},
            "cascade": ["scripted/small", "scripted/large"],
            "confidence": {"from": "valid", "at_least": 1.0},
        }
    )
    graph = Graph("one", input={"task": str})
    graph.output(graph.expert("it", coder, task=graph.input.task))
    replies = {"small": "```python\ndef f(:\n```", "large": "```python\ndef f(): ...\n```"}
    async with Swarm(graph, backends={"scripted": ScriptedBackend(replies)}) as swarm:
        result = await swarm.run(task="write f")
    assert (result["it"].model, result.confident) == ("scripted/large", True)
