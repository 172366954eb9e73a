"""What a cascade does with each kind of answer, at each rung."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.routing.cascade import Attempt, Came, Verdict, decide_rung


def answer(rung: int, score: float | None = None) -> Attempt:
    return Attempt(rung=rung, score=score)


def failed(rung: int, came: Came, message: str = "") -> Attempt:
    return Attempt(rung=rung, came=came, message=message)


def decide(*attempts: Attempt, rungs: int = 3, threshold: float | None = 0.6) -> Verdict:
    return decide_rung(attempts, rungs=rungs, threshold=threshold)


def test_an_answer_that_reaches_the_threshold_is_accepted_and_confident() -> None:
    assert decide(answer(0, 0.6)) == Verdict(action="accept", best=0, confident=True)


def test_an_answer_under_the_threshold_goes_to_the_next_rung() -> None:
    verdict = decide(answer(0, 0.41))
    assert (verdict.action, verdict.best, verdict.confident) == ("escalate", 0, False)
    assert verdict.reason == "score 0.41 is under 0.6"


def test_without_a_threshold_any_valid_answer_is_accepted() -> None:
    assert decide(answer(0), threshold=None).confident
    assert decide(answer(0, 0.01), threshold=None).action == "accept"


def test_a_threshold_of_nothing_still_wants_the_answer_measured() -> None:
    assert decide(answer(0, 0.0), threshold=0.0).action == "accept"
    verdict = decide(answer(0), threshold=0.0)
    assert (verdict.action, verdict.reason) == ("escalate", "nothing measured the answer, and 0 is asked for")


def test_an_invalid_answer_is_asked_for_once_more_with_what_was_wrong() -> None:
    verdict = decide(failed(0, "invalid", "label: 'x' is not an option"))
    assert (verdict.action, verdict.best) == ("reask", None)
    assert verdict.reason == "invalid: label: 'x' is not an option"


def test_a_second_invalid_answer_goes_to_the_next_rung() -> None:
    assert decide(failed(0, "invalid"), failed(0, "invalid")).action == "escalate"


def test_each_rung_may_be_asked_once_more() -> None:
    attempts = [failed(0, "invalid"), failed(0, "invalid"), failed(1, "invalid")]
    assert decide(*attempts).action == "reask"


def test_a_reask_that_brings_an_answer_is_judged_like_any() -> None:
    assert decide(failed(0, "invalid"), answer(0, 0.9)) == Verdict(action="accept", best=1, confident=True)
    assert decide(failed(0, "invalid"), answer(0, 0.1)).action == "escalate"


@pytest.mark.parametrize("came", ["refused", "unreachable"])
def test_a_rung_that_refuses_or_cannot_be_reached_is_not_asked_again(came: Came) -> None:
    assert decide(failed(0, came)).action == "escalate"


@pytest.mark.parametrize("came", ["invalid", "refused", "unreachable"])
def test_without_any_answer_the_last_rung_fails(came: Came) -> None:
    attempts = [failed(0, "unreachable"), failed(1, "invalid"), failed(1, came, "down")]
    verdict = decide(*attempts, rungs=2)
    assert (verdict.action, verdict.best, verdict.reason) == ("fail", None, f"{came}: down")


def test_an_unreachable_larger_model_leaves_the_best_answer_unconfident() -> None:
    verdict = decide(answer(0, 0.5), failed(1, "unreachable", "refused"), rungs=2)
    assert verdict == Verdict(action="give_up", best=0, reason="unreachable: refused")


def test_the_last_rung_gives_up_with_the_highest_score() -> None:
    assert decide(answer(0, 0.3), answer(1, 0.5), answer(2, 0.4)).best == 1


def test_of_equal_scores_the_larger_model_is_believed() -> None:
    assert decide(answer(0, 0.5), answer(1, 0.5), rungs=2).best == 1


def test_an_answer_that_nothing_measured_is_believed_for_the_size_of_its_model() -> None:
    assert decide(answer(0, 0.5), answer(1), rungs=2).best == 1
    assert decide(answer(0), answer(1, 0.1), rungs=2).best == 1


def test_the_only_rung_gives_up_at_once() -> None:
    verdict = decide(answer(0, 0.1), rungs=1)
    assert (verdict.action, verdict.best, verdict.confident) == ("give_up", 0, False)


ATTEMPTS = st.builds(
    Attempt,
    rung=st.just(0),
    came=st.sampled_from(["answer", "invalid", "refused", "unreachable"]),
    score=st.none() | st.floats(0, 1),
)


@given(
    results=st.lists(ATTEMPTS, min_size=40, max_size=40),
    rungs=st.integers(1, 16),
    threshold=st.none() | st.floats(0, 1),
)
def test_every_cascade_ends_within_two_askings_a_rung(
    results: list[Attempt], rungs: int, threshold: float | None
) -> None:
    attempts: list[Attempt] = []
    rung, verdict = 0, decide(answer(0, 1.0))
    for result in results:
        attempts.append(Attempt(rung=rung, came=result.came, score=result.score))
        verdict = decide_rung(attempts, rungs=rungs, threshold=threshold)
        if verdict.action not in ("reask", "escalate"):
            break
        rung += verdict.action == "escalate"
    assert verdict.action in ("accept", "give_up", "fail")
    assert len(attempts) <= 2 * rungs
    assert (verdict.best is None) == (verdict.action == "fail")
    assert verdict.confident == (verdict.action == "accept")
    assert verdict.best is None or attempts[verdict.best].came == "answer"
