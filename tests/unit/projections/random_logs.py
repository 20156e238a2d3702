"""Strategies for whole goals logs: any sequence of changes that the goals service would accept."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from contracts import goals
from contracts.events import PublishedEvent
from contracts.progress import done_share
from tests.unit.projections.goals_log import START, GoalsLog, named

OBJECTIVES = ["A", "B", "C", "D", "E"]
KEY_RESULTS = ["1", "2"]
STEPS_OF_CHECKLIST = [
    {"id": named("small"), "title": "small", "weight": 1.0},
    {"id": named("large"), "title": "large", "weight": 3.0},
]
# What there is to reach at first, and what it can become.
TARGETS: dict[str, list[dict[str, Any]]] = {
    "increase": [{"baseline": 0.0, "target": 100.0}, {"baseline": 50.0, "target": 75.0}],
    "decrease": [{"baseline": 100.0, "target": 0.0}, {"baseline": 25.0, "target": -10.0}],
    "maintain": [{"lower": 20.0, "upper": 30.0}, {"lower": 100.0}],
    "milestones": [{"milestones": STEPS_OF_CHECKLIST}, {"milestones": STEPS_OF_CHECKLIST[:1]}],
    "binary": [{}],
}
# Which fact leads from which states to which; what is not here has a rule of its own.
MOVES: dict[str, tuple[set[str], str, type[PublishedEvent]]] = {
    "propose": ({"draft"}, "proposed", goals.ObjectiveProposed),
    "approve": ({"proposed"}, "proposed", goals.ObjectiveApproved),
    "return": ({"proposed"}, "draft", goals.ObjectiveReturned),
    "postpone": ({"draft", "proposed", "active"}, "postponed", goals.ObjectivePostponed),
    "abandon": ({"draft", "active", "postponed"}, "abandoned", goals.ObjectiveAbandoned),
}

# Which one it is, counted among those there are: so that most steps are about something.
_one = st.integers(0, 4)
_value = st.sampled_from([-10.0, 25.0, 150.0])
_nothing = st.none()
_definition = st.tuples(st.sampled_from(list(TARGETS)), st.sampled_from([0.0, 1.0, 3.0]))
_other = st.tuples(_one, _nothing)
_number = st.tuples(_one, _value)
_parent = st.tuples(_one, st.none() | _one)
# What a step of each kind is drawn with, besides the objective that it is about.
_DETAILS: dict[str, st.SearchStrategy[tuple[Any, Any]]] = {
    "draft": _other,
    "add": st.tuples(st.sampled_from(KEY_RESULTS), _definition),
    "activate": _other,
    **dict.fromkeys(MOVES, _other),
    "close": _other,
    "reopen": st.tuples(st.sampled_from(["draft", "active"]), _nothing),
    "check_in": _number,
    "check_in_late": _number,
    "correct": _number,
    "measure": st.tuples(_one, st.tuples(_value, st.integers(0, 2))),
    "unlink": _other,
    "retarget": st.tuples(_one, st.integers(0, 1)),
    "reweigh": st.tuples(_one, st.sampled_from([0.0, 2.0])),
    "remove": _other,
    "align": _parent,
    "support": _parent,
    "unalign": _other,
}
_OF_KEY_RESULT = frozenset(
    ("check_in", "check_in_late", "correct", "measure", "unlink", "retarget", "reweigh", "remove")
)
# What moves numbers is what most of a log is made of.
_KINDS = [*_DETAILS, *["check_in", "correct", "measure", "align", "reopen", "activate"] * 3]


@st.composite
def _step(draw: st.DrawFn) -> tuple[str, int, Any, Any]:
    kind = draw(st.sampled_from(_KINDS))
    return kind, draw(_one), *draw(_DETAILS[kind])


_beginnings = st.lists(
    st.tuples(st.lists(_definition, max_size=2), st.booleans()), max_size=len(OBJECTIVES)
)


@dataclass
class _KeyResult:
    """What of a key result the next step depends on."""

    type: str
    check_ins: list[tuple[UUID, float]] = field(default_factory=list)
    linked: bool = False


@dataclass
class _Company:
    """What the log has led to, as far as the next step's validity depends on it."""

    log: GoalsLog = field(default_factory=GoalsLog)
    state: dict[str, str] = field(default_factory=dict)
    key_results: dict[str, dict[str, _KeyResult]] = field(default_factory=dict)
    parents: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)

    def take(self, kind: str, which: int, other: Any, detail: Any) -> None:
        """Do the step if it is a valid one, so that every drawn sequence is a log."""
        if kind == "draft":
            self._draft()
        elif self.state:
            name = _pick(self.state, which)
            if kind in MOVES:
                self._move(name, *MOVES[kind])
            elif kind not in _OF_KEY_RESULT:
                getattr(self, f"_{kind}")(name, other, detail)
            elif self.key_results[name]:
                getattr(self, f"_{kind}")(name, _pick(self.key_results[name], other), detail)

    def _draft(self) -> None:
        if len(self.state) < len(OBJECTIVES):
            name = OBJECTIVES[len(self.state)]
            self.log.objective(name, active=False)
            self.state[name] = "draft"
            self.key_results[name] = {}
            self.parents[name] = []

    def _move(self, name: str, before: set[str], to: str, fact: type[PublishedEvent]) -> None:
        if self.state[name] in before:
            self.log.of(name, fact)
            self.state[name] = to

    def _add(self, name: str, key_result: str, definition: tuple[str, float]) -> None:
        type_, weight = definition
        is_new = name + key_result not in self.removed and key_result not in self.key_results[name]
        if is_new and self._is_open(name):
            target = TARGETS[type_][0]
            self.log.key_result(name, name + key_result, type=type_, weight=weight, **target)
            self.key_results[name][key_result] = _KeyResult(type_)

    def _activate(self, name: str, *_: object) -> None:
        if self.state[name] in {"draft", "proposed"} and self.key_results[name]:
            self.log.activate(name)
            self.state[name] = "active"

    def _check_in(
        self, name: str, key_result: str, value: float, effective_at: datetime | None = None
    ) -> None:
        found = self.key_results[name][key_result]
        if self.state[name] == "active":
            said = {**_said(found.type, value), "effective_at": effective_at, "confidence": 0.9}
            check_in_id = self.log.check_in(name, name + key_result, **said)
            found.check_ins.append((check_in_id, said["value"]))

    def _check_in_late(self, name: str, key_result: str, value: float) -> None:
        self._check_in(name, key_result, value, effective_at=START)

    def _correct(self, name: str, key_result: str, value: float) -> None:
        found = self.key_results[name][key_result]
        if found.check_ins:
            check_in_id, was = found.check_ins.pop(0)
            said = {**_said(found.type, value), "confidence": 0.1}
            self.log.correct(name, name + key_result, check_in_id, **said, was=was)
            found.check_ins.append((check_in_id, said["value"]))

    def _measure(self, name: str, key_result: str, told: tuple[float, int]) -> None:
        found = self.key_results[name][key_result]
        if self.state[name] == "active" and found.type not in {"milestones", "binary"}:
            if not found.linked:
                self.log.link(name, name + key_result)
                found.linked = True
            self.log.measure(name, name + key_result, told[0], day=told[1])

    def _unlink(self, name: str, key_result: str, _: object) -> None:
        found = self.key_results[name][key_result]
        if found.linked and self._is_open(name):
            self.log.unlink(name, name + key_result)
            found.linked = False

    def _retarget(self, name: str, key_result: str, which: int) -> None:
        found = self.key_results[name][key_result]
        if self._is_open(name) and len(TARGETS[found.type]) > which:
            target = {"type": found.type, **TARGETS[found.type][which]}
            fact = goals.KeyResultRetargeted
            self.log.of_key_result(name, name + key_result, fact, **target)

    def _reweigh(self, name: str, key_result: str, weight: float) -> None:
        if self._is_open(name):
            called = {"title": "renamed", "weight": weight}
            self.log.of_key_result(name, name + key_result, goals.KeyResultRevised, **called)

    def _remove(self, name: str, key_result: str, _: object) -> None:
        feeds = any((name, key_result) in parents for parents in self.parents.values())
        if self._is_open(name) and not feeds:
            self.log.of_key_result(name, name + key_result, goals.KeyResultRemoved)
            del self.key_results[name][key_result]
            self.removed.add(name + key_result)

    def _align(self, name: str, parent: int, key_result: int | None) -> None:
        self._hang(name, parent, key_result, "contributes")

    def _support(self, name: str, parent: int, key_result: int | None) -> None:
        self._hang(name, parent, key_result, "supports")

    def _hang(self, name: str, which: int, to: int | None, kind: str) -> None:
        parent, key_result = _pick(self.state, which), None
        if to is not None and self.key_results[parent]:
            key_result = _pick(self.key_results[parent], to)
        if (
            self._is_open(name)
            and self._is_open(parent)
            and (parent, key_result) not in self.parents[name]
            and name not in self._above(parent)
        ):
            self.log.align(name, parent, parent + key_result if key_result else None, kind=kind)
            self.parents[name].append((parent, key_result))

    def _unalign(self, name: str, which: int, _: object) -> None:
        if self._is_open(name) and self.parents[name]:
            parent, key_result = self.parents[name].pop(which % len(self.parents[name]))
            self.log.unalign(name, parent, parent + key_result if key_result else None)

    def _close(self, name: str, *_: object) -> None:
        if self.state[name] == "active" and self.key_results[name]:
            self.log.close(name, {name + each: 0.5 for each in self.key_results[name]})
            self.state[name] = "closed"

    def _reopen(self, name: str, state: str, _: object) -> None:
        if self.state[name] in {"postponed", "abandoned", "closed"}:
            self.log.of(name, goals.ObjectiveReopened, state=state)
            self.state[name] = state

    def _is_open(self, name: str) -> bool:
        return self.state[name] in {"draft", "active"}

    def _above(self, name: str) -> set[str]:
        """The objective and all its ancestors."""
        return {name}.union(*(self._above(parent) for parent, _ in self.parents[name]))


def _pick(among: Iterable[str], which: int) -> str:
    names = list(among)
    return names[which % len(names)]


def _said(type_: str, value: float) -> dict[str, Any]:
    """A check-in of about this value, as the type wants it."""
    if type_ == "binary":
        return {"value": float(value > 0)}
    if type_ == "milestones":
        done = [each["id"] for each in STEPS_OF_CHECKLIST[: 1 + (value > 100)]]
        share = done_share((each["weight"], each["id"] in done) for each in STEPS_OF_CHECKLIST)
        return {"value": share, "milestones_done": done}
    return {"value": value}


@st.composite
def goals_logs(draw: st.DrawFn, *, max_steps: int = 40) -> GoalsLog:
    """A valid log, in which some events share their moment with the one before.

    It begins with some objectives, so that there is something for most steps to be about.
    """
    company = _Company()
    company.log.cycle()
    for which, (definitions, held_back) in enumerate(draw(_beginnings)):
        company.take("draft", which, None, None)
        for key_result, definition in zip(KEY_RESULTS, definitions, strict=False):
            company.take("add", which, key_result, definition)
        if not held_back:
            company.take("activate", which, None, None)
    # Left to itself, a list is short most of the time.
    least = draw(st.sampled_from([0, max_steps // 2]))
    for step in draw(st.lists(_step(), min_size=least, max_size=max_steps)):
        if draw(st.booleans()):
            company.log.same_moment()
            before = len(company.log.events)
            company.take(*step)
            if len(company.log.events) == before:
                company.log.now = company.log.events[-1].time
        else:
            company.take(*step)
    return company.log
