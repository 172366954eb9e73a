"""What a policy would have done on recorded outcomes: `replay`, row by row and figure by figure."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from swarm._eval.replay import Replay, replay
from swarm.confidence.calibrate import Calibrator
from swarm.confidence.calibrator import Term
from swarm.confidence.curves import Curve
from swarm.confidence.outcomes import Outcome, RungOutcome
from swarm.confidence.policy import Policy, RungPolicy
from swarm.errors import InputError

KEYS = {
    "n", "accepted_error", "accepted_and_wrong", "escalated", "accuracy", "accuracy_last", "cost", "cost_last",
    "saving", "latency_ms", "rungs", "apgr", "cpt",
}  # fmt: skip


def calibrator(signal: str = "zork") -> Calibrator:
    """Return one that is surer than 1/2 of what the signal says is at least 0.5."""
    term = Term(signal, Curve((0.0, 1.0), (-5.0, 5.0)))
    return Calibrator(method="platt", n=100, intercept=0.0, terms=(term,))


def policy(*models: str, last: str = "large", at_least: float | None = 0.5, use: bool = True) -> Policy:
    """Return a policy that accepts the models before the last from one probability on."""
    rungs = [RungPolicy(model=one, at_least=at_least, calibrator=calibrator(), use=use) for one in models]
    return Policy(rungs=(*rungs, RungPolicy(model=last)), target_error=0.05)


def rung(
    model: str, sure: float | None = None, right: bool | None = True, cost: float | None = 0.0
) -> RungOutcome:
    return RungOutcome(
        model=model, signals={"zork": sure, "unheard_of": 3.0}, correct=right, cost=cost, latency_ms=10
    )


def outcomes(*rows: Sequence[RungOutcome]) -> list[Outcome]:
    return [Outcome(id=str(at), rungs=tuple(row)) for at, row in enumerate(rows)]


def four_rows() -> list[Outcome]:
    """Return one of each: accepted and right, accepted and wrong, escalated and right, escalated and wrong."""
    return outcomes(
        [rung("small", 0.9, True, 1), rung("large", None, True, 10)],
        [rung("small", 0.8, False, 1), rung("large", None, True, 10)],
        [rung("small", 0.2, False, 1), rung("large", None, True, 10)],
        [rung("small", 0.1, True, 1), rung("large", None, False, 10)],
    )


def test_rates_are_shares_of_all_rows_and_the_last_rung_is_delivered_not_accepted() -> None:
    found = replay(four_rows(), policy("small"))
    assert (found.n, found.accepted_error, found.accepted_and_wrong) == (4, 0.5, 0.25)
    assert found.escalated == (0.5,)
    assert (found.accuracy, found.accuracy_last) == (0.5, 0.75)
    assert [(one.model, one.asked, one.accepted, one.calls) for one in found.rungs] == [
        ("small", 1.0, 0.5, 4),
        ("large", 0.5, 0.0, 2),
    ]


def test_the_saving_counts_small_calls_that_failed() -> None:
    found = replay(four_rows(), policy("small"))
    assert (found.cost, found.cost_last) == (6.0, 10.0)
    assert found.saving == pytest.approx(0.4)


def test_a_cascade_that_costs_more_than_its_last_rung_has_a_negative_saving() -> None:
    found = replay(four_rows(), policy("small", at_least=None))
    assert found.saving == pytest.approx(-0.1)
    assert (found.accepted_error, found.escalated) == (0.0, (1.0,))


def test_a_rung_that_is_not_used_is_not_asked_and_costs_nothing() -> None:
    found = replay(four_rows(), policy("small", use=False))
    assert (found.saving, found.escalated, found.rungs[0].calls) == (0.0, (1.0,), 0)
    assert found.accuracy == found.accuracy_last


def test_a_cascade_may_have_any_number_of_rungs() -> None:
    rows = outcomes(
        [rung("a", 0.9), rung("b", 0.9), rung("c", 0.9), rung("large")],
        [rung("a", 0.1), rung("b", 0.1), rung("c", 0.9, False), rung("large")],
        [rung("a", 0.1), rung("b", 0.9), rung("c", 0.9), rung("large")],
        [rung("a", 0.1), rung("b", 0.1), rung("c", 0.1), rung("large")],
    )
    found = replay(rows, policy("a", "b", "c"))
    assert found.escalated == (0.75, 0.5, 0.25)
    assert [one.accepted for one in found.rungs] == [0.25, 0.25, 0.25, 0.0]
    assert found.rungs[2].accepted_error == 1.0


def test_a_rung_that_the_policy_does_not_know_is_asked_and_never_accepted() -> None:
    rows = outcomes(*([rung("small", 0.1), rung("stranger", 1.0), rung("large")] for _ in range(3)))
    found = replay(rows, policy("small"))
    assert [one.calls for one in found.rungs] == [3, 3, 3]
    assert "does not know 'stranger' (3 rows)" in " ".join(found.notes)


def test_signals_that_were_not_measured_are_not_accepted() -> None:
    found = replay(
        outcomes([rung("small", None), rung("large")], [rung("small", 0.9), rung("large")]), policy("small")
    )
    assert found.escalated == (0.5,)
    assert "1 row where small has none of the signals" in " ".join(found.notes)


def test_rows_that_do_not_say_what_is_right_are_left_out_of_what_needs_it() -> None:
    rows = outcomes(
        [rung("small", 0.9, None), rung("large", right=None)],
        [rung("small", 0.9, False), rung("large")],
        [rung("small", 0.9, True), rung("large")],
    )
    found = replay(rows, policy("small"))
    assert (found.n, found.accepted_error, found.accepted_and_wrong, found.accuracy) == (3, 0.5, 0.5, 0.5)
    assert found.notes == (
        "1 row where nobody said whether the delivered answer is right: left out of the rates of right and wrong",
    )


def test_where_nothing_is_known_of_the_last_rung_there_is_no_accuracy_and_the_rest_still_holds() -> None:
    rows = outcomes(
        *([rung("small", 0.9, at > 0), rung("large", right=None)] for at in range(2)),
        *([rung("small", 0.1, False), rung("large", right=None)] for _ in range(2)),
    )
    found = replay(rows, policy("small"))
    assert (found.accuracy, found.accuracy_last) == (None, None)
    assert (found.accepted_error, found.accepted_and_wrong) == (0.5, 0.25)


def test_a_row_that_was_not_recorded_to_its_end_still_counts_as_escalated() -> None:
    rows = outcomes(
        [rung("small", 0.1)], [rung("small", 0.9)], [rung("small", 0.1, cost=1), rung("large", cost=2)]
    )
    found = replay(rows, policy("small"))
    assert (found.n, found.escalated, found.accuracy) == (3, (2 / 3,), 1.0)
    assert "1 row that would have asked a rung that was not recorded" in " ".join(found.notes)


def test_a_row_that_lacks_a_middle_rung_goes_on_to_the_next() -> None:
    rows = outcomes(
        [rung("a", 0.1), rung("b", 0.9), rung("large")],
        [rung("a", 0.1), rung("large", None, False)],
    )
    found = replay(rows, policy("a", "b"))
    assert [one.calls for one in found.rungs] == [2, 1, 1]
    assert (found.accuracy, found.accuracy_last) == (0.5, 0.5)


def test_labels_may_have_thresholds_of_their_own() -> None:
    rules = RungPolicy(
        model="small", at_least=0.5, groups={"strict": 0.99, "never": None}, calibrator=calibrator()
    )
    rows = [
        Outcome(
            id=label, rungs=(RungOutcome(model="small", signals={"zork": 0.7}, output=label), rung("large"))
        )
        for label in ("plain", "strict", "never")
    ]
    found = replay(rows, Policy(rungs=(rules, RungPolicy(model="large")), target_error=0.05))
    assert found.rungs[0].accepted == pytest.approx(1 / 3)


def test_regret_counts_only_what_the_next_rung_would_have_got_right() -> None:
    rows = outcomes(
        [rung("small", 0.9, False), rung("large", right=True)],
        [rung("small", 0.9, False), rung("large", right=False)],
    )
    found = replay(rows, policy("small"))
    assert (found.accepted_error, found.accepted_regret) == (1.0, 0.5)


@pytest.mark.parametrize("cost", [None, 0.0])
def test_without_prices_there_is_no_saving(cost: float | None) -> None:
    rows = outcomes(*([rung("small", 0.9, cost=cost), rung("large", cost=cost)] for _ in range(3)))
    assert replay(rows, policy("small")).saving is None


def test_a_perfect_order_wins_the_whole_advantage_with_the_fewest_calls() -> None:
    rows = outcomes(
        *([rung("small", 0.1 + at / 1000, False), rung("large")] for at in range(20)),
        *([rung("small", 0.9 + at / 1000, True), rung("large")] for at in range(80)),
    )
    gain = replay(rows, policy("small")).gain
    assert gain is not None
    assert gain.apgr == pytest.approx(0.9)
    assert gain.cpt == pytest.approx({0.5: 0.1, 0.8: 0.16, 0.95: 0.19})


def test_a_confidence_that_says_nothing_wins_what_chance_wins() -> None:
    rows = outcomes(*([rung("small", 0.5, at % 2 == 0), rung("large")] for at in range(40)))
    gain = replay(rows, policy("small")).gain
    assert gain is not None
    assert gain.apgr == pytest.approx(0.5)
    assert gain.cpt == pytest.approx({0.5: 0.5, 0.8: 0.8, 0.95: 0.95})


def test_where_the_last_rung_is_no_better_there_is_no_gain() -> None:
    found = replay(outcomes([rung("small", 0.9, True), rung("large", right=True)]), policy("small")).to_json()
    assert (found["apgr"], found["cpt"]) == (None, None)


def test_the_json_has_every_promised_key() -> None:
    found = replay(four_rows(), policy("small")).to_json()
    assert found.keys() >= KEYS
    assert found["escalated"] == [0.5]
    assert found["latency_ms"] == {"mean": 15.0, "p50": 15.0, "p95": 20.0}
    assert set(found["cpt"]) == {"50", "80", "95"}
    assert found["intervals"]["accuracy"][0] < 0.5 < found["intervals"]["accuracy"][1]


def test_a_single_rung_is_delivered_and_nothing_is_escalated() -> None:
    found = replay(outcomes([rung("large", 0.9, False)]), policy("small"))
    assert (found.escalated, found.accuracy, found.accepted_error) == ((), 0.0, 0.0)


def test_rows_of_several_cascades_are_replayed_together() -> None:
    rows = outcomes([rung("small", 0.9), rung("large")], [rung("other", 0.9), rung("huge")])
    found = replay(rows, policy("small"))
    assert (found.n, found.escalated) == (2, (0.5,))


def test_no_outcomes_is_an_error_that_says_so() -> None:
    with pytest.raises(InputError, match="no outcomes"):
        replay([], policy("small"))


def test_replaying_agrees_with_asking_the_policy_row_by_row() -> None:
    rng = random.Random(7)
    rows = [
        Outcome(
            id=str(at),
            rungs=(
                rung("small", rng.choice([None, 0.25, 0.5, rng.random()]), rng.random() < 0.8, 1),
                rung("middle", rng.random(), rng.random() < 0.9, 3),
                rung("large", None, rng.random() < 0.95, 9),
            ),
        )
        for at in range(400)
    ]
    chosen = policy("small", "middle", at_least=0.5)
    taken = [_taken(chosen, row) for row in rows]
    found: Replay = replay(rows, chosen)
    accepted = [row.rungs[at].correct for row, at in zip(rows, taken, strict=True) if at < 2]
    assert found.accepted_error == pytest.approx(1 - sum(map(bool, accepted)) / len(accepted))
    assert found.escalated == pytest.approx(
        (sum(at > 0 for at in taken) / 400, sum(at > 1 for at in taken) / 400)
    )
    spent = sum(sum((1, 3, 9)[: at + 1]) for at in taken) / 400
    assert found.saving == pytest.approx(1 - spent / 9)


def _taken(chosen: Policy, row: Outcome) -> int:
    for place, one in enumerate(row.rungs[:-1]):
        if chosen.judge(place, one.model, one.signals, one.label).accepted:
            return place
    return len(row.rungs) - 1
