"""What follows from conditions, and which cannot hold together."""

import pytest

from swarm._graph.logic import implies, satisfiable
from swarm.spec.condition import ConditionError, Expr, Ref, parse_expression
from swarm.spec.types import ANY, Type

LABEL = Type(base="string", one_of=("a", "b", "c"))
FLAG = Type(base="boolean")
TEXT = Type(base="string", optional=True)


def type_of(ref: Ref) -> Type:
    return {"label": LABEL, "flag": FLAG, "text": TEXT}.get(ref.fields[-1] if ref.fields else ref.name, ANY)


def exprs(*texts: str) -> list[Expr]:
    return [parse_expression(text) for text in texts]


@pytest.mark.parametrize(
    ("facts", "goal"),
    [
        (["t.flag"], "t.flag"),
        (['t.label == "a"'], 't.label in ["a", "b"]'),
        (['t.label in ["a", "b"]', 't.label != "a"'], 't.label == "b"'),
        (['t.label != "a"', 't.label != "b"'], 't.label == "c"'),
        (["t.flag or u.flag", "not t.flag"], "u.flag"),
        (["not (t.flag or u.flag)"], "not u.flag"),
        (["n.text != null"], "n.text != null"),
        (['n.text == "x"'], "n.text != null"),
        (["n.size > 3"], "n.size > 3"),
    ],
)
def test_a_condition_follows_from_others(facts: list[str], goal: str):
    assert implies(exprs(*facts), parse_expression(goal), type_of) is True


@pytest.mark.parametrize(
    ("facts", "goal"),
    [
        ([], "t.flag"),
        (["t.flag"], "u.flag"),
        (['t.label in ["a", "b"]'], 't.label == "a"'),
        (["t.flag or u.flag"], "t.flag"),
        (["n.size > 3"], "n.size > 2"),
    ],
)
def test_a_condition_does_not_follow_from_what_leaves_it_open(facts: list[str], goal: str):
    assert implies(exprs(*facts), parse_expression(goal), type_of) is False


@pytest.mark.parametrize(
    "facts",
    [
        ["t.flag", "not t.flag"],
        ['t.label == "a"', 't.label == "b"'],
        ['not t.label in ["a", "b", "c"]'],
        ["n.text == null", 'n.text == "x"'],
        ["n.size > 3", "not n.size > 3"],
    ],
)
def test_conditions_that_contradict_each_other_are_found(facts: list[str]):
    assert satisfiable(exprs(*facts), type_of) is False


def test_a_comparison_with_a_list_is_not_taken_apart():
    assert satisfiable(exprs("n.items == []"), type_of) is True


def test_too_many_cases_give_no_answer_instead_of_a_wrong_one():
    facts = exprs(*[f"x{i}.flag or y{i}.flag" for i in range(12)])
    assert satisfiable(facts, type_of) is None


def test_a_number_too_large_for_one_is_refused_where_it_stands():
    with pytest.raises(ConditionError, match="too large") as caught:
        parse_expression("n.size > 1e999")
    assert (caught.value.pos, caught.value.length) == (9, 5)
