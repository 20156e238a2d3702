"""Strategies for whole goals logs: any sequence of changes that the goals service would accept."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.unit.projections.goals_log import GoalsLog

OBJECTIVES = ["A", "B", "C", "D", "E"]
KEY_RESULTS = ["1", "2"]

_objective = st.sampled_from(OBJECTIVES)
_key_result = st.sampled_from(KEY_RESULTS)
_target = st.sampled_from([None, *KEY_RESULTS])
_nothing = st.none()
_steps = st.one_of(
    st.tuples(st.just("draft"), _objective, _nothing, _nothing),
    st.tuples(st.just("add"), _objective, _key_result, st.sampled_from([0.0, 1.0, 3.0])),
    st.tuples(st.just("activate"), _objective, _nothing, _nothing),
    st.tuples(st.just("check_in"), _objective, _key_result, st.sampled_from([-10.0, 25.0, 150.0])),
    st.tuples(st.just("align"), _objective, _objective, _target),
    st.tuples(st.just("support"), _objective, _objective, _target),
    st.tuples(st.just("unalign"), _objective, st.integers(0, 3), _nothing),
    st.tuples(st.just("close"), _objective, _nothing, _nothing),
)


@dataclass
class _Company:
    """What the log has led to, as far as the next step's validity depends on it."""

    log: GoalsLog = field(default_factory=GoalsLog)
    state: dict[str, str] = field(default_factory=dict)
    key_results: dict[str, set[str]] = field(default_factory=dict)
    parents: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)

    def take(self, kind: str, name: str, other: Any, detail: Any) -> None:
        """Do the step if it is a valid one, so that every drawn sequence is a log."""
        if kind == "draft" and name not in self.state:
            self.log.objective(name, active=False)
            self.state[name] = "draft"
            self.key_results[name] = set()
            self.parents[name] = []
        elif self.state.get(name, "closed") != "closed":
            getattr(self, f"_{kind}", lambda *_: None)(name, other, detail)

    def _add(self, name: str, key_result: str, weight: float) -> None:
        if key_result not in self.key_results[name]:
            self.log.key_result(name, name + key_result, weight=weight)
            self.key_results[name].add(key_result)

    def _activate(self, name: str, *_: object) -> None:
        if self.state[name] == "draft" and self.key_results[name]:
            self.log.activate(name)
            self.state[name] = "active"

    def _check_in(self, name: str, key_result: str, value: float) -> None:
        if self.state[name] == "active" and key_result in self.key_results[name]:
            self.log.check_in(name, name + key_result, value)

    def _align(self, name: str, parent: str, key_result: str | None) -> None:
        self._hang(name, parent, key_result, "contributes")

    def _support(self, name: str, parent: str, key_result: str | None) -> None:
        self._hang(name, parent, key_result, "supports")

    def _hang(self, name: str, parent: str, key_result: str | None, kind: str) -> None:
        if (
            self.state.get(parent) in {"draft", "active"}
            and (key_result is None or key_result in self.key_results[parent])
            and (parent, key_result) not in self.parents[name]
            and name not in self._above(parent)
        ):
            self.log.align(name, parent, parent + key_result if key_result else None, kind=kind)
            self.parents[name].append((parent, key_result))

    def _unalign(self, name: str, which: int, _: object) -> None:
        if which < len(self.parents[name]):
            parent, key_result = self.parents[name].pop(which)
            self.log.unalign(name, parent, parent + key_result if key_result else None)

    def _close(self, name: str, *_: object) -> None:
        if self.state[name] == "active":
            self.log.close(name, {name + each: 0.5 for each in self.key_results[name]})
            self.state[name] = "closed"

    def _above(self, name: str) -> set[str]:
        """The objective and all its ancestors."""
        return {name}.union(*(self._above(parent) for parent, _ in self.parents[name]))


@st.composite
def goals_logs(draw: st.DrawFn, *, max_steps: int = 40) -> GoalsLog:
    """A valid log, in which some events share their moment with the one before."""
    company = _Company()
    company.log.cycle()
    for step in draw(st.lists(_steps, max_size=max_steps)):
        if draw(st.booleans()):
            company.log.same_moment()
            before = len(company.log.events)
            company.take(*step)
            if len(company.log.events) == before:
                company.log.now = company.log.events[-1].time
        else:
            company.take(*step)
    return company.log
