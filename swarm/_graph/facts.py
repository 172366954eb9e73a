"""Which nodes are sure to have run when another one runs, and which can never run.

When node A runs, its `when` held, every node that its `when` mentions without `?` had run, and
so their conditions held too. From these facts follows what else must have run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from swarm._graph.forms import Form, Read
from swarm._graph.kinds import Env, type_of
from swarm._graph.logic import conjuncts, implies, satisfiable
from swarm.spec.condition import Expr, Ref
from swarm.spec.types import Type

__all__ = ["Facts"]


class Facts:
    """What is known at each node of one level.

    Args:
        forms: the nodes of the level, in topological order.
        env: types of all names seen.
        given: conditions that hold around the level, as a body's outer node has them.
        present: outer names that surely have a value.
    """

    def __init__(
        self,
        forms: Mapping[str, Form],
        env: Env,
        *,
        given: Sequence[Expr] = (),
        present: frozenset[str] = frozenset(),
    ) -> None:
        self.forms, self.env, self.given, self.outer = forms, env, tuple(given), present
        self.failing: dict[str, list[str]] = {}
        for name, form in forms.items():
            if form.spec.on_error in forms:
                self.failing.setdefault(form.spec.on_error, []).append(name)
        self._known: dict[str, tuple[tuple[Expr, ...], frozenset[str]]] = {}
        self._strict = {name: _strict_names(form, forms) for name, form in forms.items()}
        self._always: set[str] = set()
        for name in forms:  # in topological order: what it needs comes before it
            self._note_always(name)

    def _note_always(self, name: str) -> None:
        """Remember a node that runs in every run; nothing needs to be known about it."""
        form = self.forms[name]
        conditional = form.when is not None or form.spec.on_error != "fail" or name in self.failing
        if not conditional and self._strict[name] <= self._always:
            self._always.add(name)

    def type_of(self, ref: Ref) -> Type:
        """Return the type of a reference."""
        return type_of(ref, self.env)

    def at(self, name: str) -> tuple[tuple[Expr, ...], frozenset[str]]:
        """Return the conditions that hold and the nodes that have run when `name` runs."""
        if name in self._known:
            return self._known[name]
        self._known[name] = ((), frozenset())  # a cycle, reported elsewhere, ends here
        form = self.forms[name]
        facts = [*self.given, *(conjuncts(form.when) if form.when is not None else ())]
        present = {name}
        for other in self._strict[name] - self._always:
            more, ran = self.at(other)
            facts += more
            present |= ran
        if len(self.failing.get(name, [])) == 1:
            more, ran = self.at(self.failing[name][0])
            facts += more
            present |= ran - {self.failing[name][0]}
        found = (_once(facts), frozenset(present))
        self._known[name] = found
        return found

    def sure_from_when(self, name: str) -> tuple[tuple[Expr, ...], frozenset[str]]:
        """Return what is known at `name` from its `when` alone."""
        form = self.forms[name]
        facts = [*self.given, *(conjuncts(form.when) if form.when is not None else ())]
        present = set[str](self.outer)
        for read in form.reads:
            if read.role == "when" and read.ref.name in self._strict[name] - self._always:
                more, ran = self.at(read.ref.name)
                facts += more
                present |= ran
        handled = self.failing.get(name, [])
        if len(handled) == 1:
            more, ran = self.at(handled[0])
            facts += more
            present |= ran - set(handled)
        return _once(facts), frozenset(present)

    def guaranteed(self, name: str, read: Read) -> bool:
        """Return whether what `read` names surely has a value when `name` runs."""
        if read.ref.name not in self.forms:
            return True
        facts, present = self.sure_from_when(name)
        return self._runs(read.ref.name, facts, present, depth=0)

    def surely(self, target: str, facts: Sequence[Expr] = (), present: frozenset[str] = frozenset()) -> bool:
        """Return whether node `target` runs under these facts."""
        return self._runs(target, facts, present, depth=0)

    def _runs(self, target: str, facts: Sequence[Expr], present: frozenset[str], *, depth: int) -> bool:
        if target in present or target in self._always or target not in self.forms:
            return True
        form = self.forms[target]
        if form.spec.on_error != "fail" or target in self.failing or depth > 200:
            return False
        if not all(self._runs(other, facts, present, depth=depth + 1) for other in self._strict[target]):
            return False
        goals = conjuncts(form.when) if form.when is not None else []
        return all(implies(facts, goal, self.type_of) is not False for goal in goals)

    def never(self, name: str) -> bool:
        """Return whether `name` can never run because its conditions contradict each other."""
        facts, _ = self.at(name)
        return satisfiable(facts, self.type_of) is False


def _once(facts: Sequence[Expr]) -> tuple[Expr, ...]:
    """Return each fact once. They are shared, so identity tells; hashing trees would take the square."""
    return tuple({id(fact): fact for fact in facts}.values())


def _strict_names(form: Form, forms: Mapping[str, Form]) -> frozenset[str]:
    """Return the nodes beside this one that it needs (references without `?`)."""
    names = {read.ref.name for read in form.required()}
    return frozenset(name for name in names if name in forms and name != form.name)
