"""An expert at work: asks the rungs of its cascade, cheapest first, until an answer is good enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import swarm.events as ev
from swarm._engine.context import Run
from swarm._engine.nodes.answers import Answered, Asking
from swarm._engine.nodes.observe import COMPARED, EXPLORED, Seen, essence, explored, observed
from swarm._engine.nodes.recalled import answered_once
from swarm._engine.prompt import fill_inputs, main_text
from swarm._engine.result import Marks, Outcome
from swarm._engine.scheduler import RunNode
from swarm._engine.trust import Scored, alternatives_of, label_of
from swarm.backends.decide import InvalidAnswer
from swarm.errors import BackendError, BackendUnavailable, ModelMissing, StoreError, describe
from swarm.messages import Usage
from swarm.routing.cascade import Attempt, Came, Verdict, decide_rung
from swarm.spec.catalogue import ModelRef, ResolvedExpert

__all__ = ["answer", "expert"]


async def expert(command: RunNode, run: Run, place: str) -> Outcome:
    """Ask the node's expert."""
    found = command.node.expert
    assert found is not None, "a compiled expert node has its expert"
    output, marks = await answer(found, command.arguments, run, place)
    return Outcome({**output, **marks.to_json()}, output, marks)


async def answer(
    expert: ResolvedExpert, given: Mapping[str, Any], run: Run, place: str
) -> tuple[dict[str, Any], Marks]:
    """Return the best answer of the expert's cascade, and how sure it is.

    Raises:
        BackendError: no rung gave an answer.
        NodeError: the inputs do not fit.
    """
    inputs = fill_inputs(expert, given, place)
    climb = _Climb(expert, inputs, run, place)
    while True:
        await climb.ask()
        verdict = climb.verdict()
        if verdict.action in ("accept", "give_up"):
            found = climb.result(verdict)
            await climb.learn(verdict)
            return found
        if verdict.action == "fail":
            raise climb.failure()
        climb.go_on(verdict)


class _Climb:
    """One way up a cascade: the attempts made, what came of them, where it stands."""

    def __init__(self, expert: ResolvedExpert, inputs: Mapping[str, Any], run: Run, place: str) -> None:
        self.expert, self.inputs, self.run, self.place = expert, inputs, run, place
        self.trust = run.services.trusts(expert)
        self.rungs = self.trust.rungs  # those that are asked, by their place in the cascade
        self.text = main_text(expert, inputs)
        self.at = 0
        self.correction = ""
        self.attempts: list[Attempt] = []
        self.answers: list[Answered | None] = []
        self.scores: list[Scored | None] = []
        self.seen: list[Seen] = []
        self.errors: list[BackendError] = []

    @property
    def rung(self) -> int:
        return self.rungs[self.at]

    @property
    def model(self) -> ModelRef:
        return self.expert.cascade[self.rung]

    async def ask(self) -> None:
        """Ask the current rung and write down what came."""
        run, model = self.run, self.model
        self._tell_asked()
        asking = Asking(
            expert=self.expert, inputs=self.inputs, model=model, rung=self.rung, place=self.place,
            correction=self.correction, measured=self.trust.measured,
        )  # fmt: skip
        started = run.services.clock()
        answered: Answered | None = None
        came: Came = "unreachable"
        said, usage, latency_ms = "cancelled", Usage(), 0.0
        try:
            answered = await answered_once(asking, self.trust, run)
            came, said, usage = "answer", "", answered.usage
        except InvalidAnswer as error:
            came, said, usage = "invalid", error.what, error.usage
        except BackendError as error:
            said = error.what
            self.errors.append(error)
            self._note(error)
        except Exception as error:
            said = describe(error)
            raise
        finally:
            latency_ms = (run.services.clock() - started) * 1000
            self._tell_model(answered, usage, said, latency_ms)
        run.spend(usage)
        self._write_down(answered, came, said, latency_ms)

    def _write_down(self, answered: Answered | None, came: Came, said: str, latency_ms: float) -> None:
        score: Scored | None = None
        if answered is not None:
            score = self.trust.score(self.rung, answered.signals, label_of(answered.value), self.text)
            self.seen.append(Seen(model=str(self.model), answered=answered, latency_ms=latency_ms))
            if score.confidence is not None and score.confidence.source == "calibrated":
                self._tell_drift(self.trust.watch(self.rung, score.confidence.value))
        self.answers.append(answered)
        self.scores.append(score)
        value = score.confidence.value if score and score.confidence else None
        accepted = None if score is None else score.accepted
        self.attempts.append(Attempt(rung=self.at, came=came, score=value, accepted=accepted, message=said))

    def verdict(self) -> Verdict:
        """Return what to do now; say how sure the last answer is."""
        score = self.scores[-1]
        threshold = score.threshold if score else None
        verdict = decide_rung(
            self.attempts, rungs=len(self.rungs), threshold=threshold, last_stands=self.trust.last_stands
        )
        if score is not None and self.run.sinks:
            self._tell_scored(score, accepted=verdict.action == "accept")
        return verdict

    def go_on(self, verdict: Verdict) -> None:
        """Ask the same rung again, or go to the next."""
        last = self.attempts[-1]
        self.correction = last.message if last.came == "invalid" else ""
        if verdict.action == "reask":
            return
        model = str(self.model)
        self.at += 1
        run = self.run
        run.emit(
            ev.ExpertEscalated(
                run=run.id, at=run.now(), node=self.place, model=model, to_model=str(self.model),
                reason=verdict.reason,
            )
        )  # fmt: skip

    async def learn(self, verdict: Verdict) -> None:
        """Hand on what the rungs answered, to those who record it; see `observe`."""
        observers = self.run.services.observers(self.expert)
        if not observers:
            return
        compared = False
        if self.expert.learn and verdict.action == "accept" and self.at + 1 < len(self.rungs):
            compared = explored(self.run.id, self.place)
        if compared:
            await self._compare()
        propensity = EXPLORED if compared else 1.0
        outcome = observed(
            self.seen, self.trust, run=self.run.id, place=self.place, text=self.text, propensity=propensity
        )
        for observe in observers:
            try:
                observe(outcome)
            except StoreError as error:  # what is learned must not cost the answer
                self.run.note(f"learning:{error.where}", f"{error.where}: {error.what}")

    async def _compare(self) -> None:
        """Ask all further rungs about an accepted answer, too: what the last one says stands in for the truth."""
        accepted, heard = self.seen[-1], len(self.seen)
        self.correction = ""
        while self.at + 1 < len(self.rungs):
            self.at += 1
            await self.ask()
        if len(self.seen) > heard and self.expert.kind in COMPARED:
            said = [essence(one.answered.value) for one in (accepted, self.seen[-1])]
            self._tell_drift(self.trust.compare(said[0] == said[1]))

    def result(self, verdict: Verdict) -> tuple[dict[str, Any], Marks]:
        """Return the answer that stands and its marks."""
        assert verdict.best is not None
        answered, scored = self.answers[verdict.best], self.scores[verdict.best]
        assert answered is not None
        assert scored is not None
        at = self.attempts[verdict.best].rung
        rung, score = self.rungs[at], scored.confidence
        marks = Marks(
            confidence=score.value if score else None, confident=verdict.confident,
            model=str(self.expert.cascade[rung]), rung=rung, escalated=at > 0,
            source=score.source if score else None, way=answered.way or None,
        )  # fmt: skip
        for reason in self.trust.reasons:
            file = self.expert.calibration_file
            self.run.note(f"stale:{file}", f"{file} is not used: {reason}; swarm calibrate makes it again")
        return answered.value, marks

    def failure(self) -> BackendError:
        """Return the error of an expert that nobody answered for: what it needs, in one sentence."""
        models = ", ".join(str(model) for model in self.expert.cascade)
        if not self.errors:
            said = self.attempts[-1].message
            return BackendError(
                f"expert {self.expert.name!r} got no usable answer from {models}: {said}", where=self.place,
                code="invalid_answer", hint="try a larger model in its `cascade`",
            )  # fmt: skip
        told = next((one for one in self.errors if not isinstance(one, BackendUnavailable)), None)
        if told is None:
            error: BackendError = BackendUnavailable(
                f"expert {self.expert.name!r} needs a model server, and none answers ({models})",
                where=self.place, hint=self._start_a_server(),
            )  # fmt: skip
        else:  # a server that is not there is the usual thing; anything else tells more
            kind = ModelMissing if isinstance(told, ModelMissing) else BackendError
            what = f"expert {self.expert.name!r}: none of its models answered ({models}): {told.what}"
            error = kind(what, where=self.place, hint=told.hint, code=told.code)
        error.__cause__ = told or self.errors[-1]
        return error

    def _start_a_server(self) -> str:
        """Return what to do when no server answers: for Ollama, down to the model to pull."""
        served = [model for model in self.expert.cascade if model.backend != "embedded"]
        if served and served[0].backend == "ollama":
            return f"start Ollama (https://ollama.com/download), then: ollama pull {served[0].name}"
        return f"start the {self.model.backend} server: {self.errors[-1].where}"

    def _note(self, error: BackendError) -> None:
        model = self.model
        if isinstance(error, BackendUnavailable):
            at = f" at {error.where}" if error.where else ""
            text = f"no {model.backend} server answers{at}"
            self.run.note(f"{error.code}:{model.backend}:{model.url}", text)
        else:
            self.run.note(f"{error.code}:{model}", f"{model}: {error.what}")

    def _tell_asked(self) -> None:
        run = self.run
        if run.sinks:
            tries = sum(attempt.rung == self.at for attempt in self.attempts) + 1
            run.emit(
                ev.ModelRequested(
                    run=run.id, at=run.now(), node=self.place, model=str(self.model), rung=self.rung,
                    attempt=tries,
                )
            )  # fmt: skip

    def _tell_scored(self, scored: Scored, *, accepted: bool) -> None:
        run, score, answered = self.run, scored.confidence, self.answers[-1]
        assert answered is not None
        run.emit(
            ev.ConfidenceScored(
                run=run.id, at=run.now(), node=self.place, model=str(self.model), rung=self.rung,
                confidence=score.value if score else None, estimator=score.estimator if score else "",
                source=score.source if score else "", threshold=scored.threshold, accepted=accepted,
                policy=scored.policy, label=label_of(answered.value),
                alternatives=alternatives_of(answered.value), signals=answered.signals.flat(),
            )
        )  # fmt: skip

    def _tell_drift(self, what: str) -> None:
        if not what:
            return
        run = self.run
        run.note(f"drifted:{self.expert.name}", f"{self.expert.name}: {what}; calibrate it again")
        run.emit(
            ev.ConfidenceDrifted(
                run=run.id, at=run.now(), node=self.place, expert=self.expert.name, model=str(self.model),
                what=what,
            )
        )  # fmt: skip

    def _tell_model(self, answered: Answered | None, usage: Usage, said: str, latency_ms: float) -> None:
        run = self.run
        if not run.sinks:
            return
        run.emit(
            ev.ModelFinished(
                run=run.id, at=run.now(), node=self.place, model=str(self.model), rung=self.rung,
                way=answered.way if answered else "", input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens, latency_ms=latency_ms, error=said or None,
            )
        )  # fmt: skip
