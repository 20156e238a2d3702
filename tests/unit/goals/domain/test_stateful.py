"""Whatever several people do in whatever order: refusals are foreseen, states follow from events.

Random commands go to the domain and to a model of it (`tests/unit/goals/model.py`), which foresees
what is refused and why, and where everything stands after it. After each step the live state is
that of all events anew, read from their stored bytes, and that of a snapshot in between and the
events after it.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import count
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import msgspec
import pytest
from eventsourcing.persistence import StoredEvent
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.progress import verdict
from services.chassis.eventstore.context import Actor, Context, Event, LoggedEvent
from services.chassis.eventstore.mapper import EventMapper
from services.goals.domain import carry_over as carrying
from services.goals.domain import check_in as check_ins
from services.goals.domain import cycle as cycles
from services.goals.domain import (
    errors,
    evolving,
    feedback,
    key_results,
    kpi_link,
    lifecycle,
    scoring,
)
from services.goals.domain import objective as objectives_
from services.goals.domain.alignment import Parent, align, unalign
from services.goals.domain.authority import Authority, require_approver, require_owner
from services.goals.domain.carry_over import CarryOver
from services.goals.domain.check_in import Standing, StandingCheckIn, Statement
from services.goals.domain.cycle import Cycle
from services.goals.domain.definition import Definition
from services.goals.domain.errors import GoalsError, Step
from services.goals.domain.events import (
    EVENTS,
    CheckInCorrected,
    KeyResultCheckedIn,
    KeyResultMeasured,
    Milestone,
    ObjectiveAcknowledged,
    ObjectiveCommented,
    Owner,
)
from services.goals.domain.key_result import Link
from services.goals.domain.kpi_link import Kpi, KpiValue
from services.goals.domain.objective import Alignment, Draft, Objective, Retrospective, Wording
from services.goals.domain.rollup import roll_up
from services.goals.domain.scoring import Override
from services.goals.domain.upcasters import UPCASTERS
from tests.unit.goals.model import STATES_OF, ModelCompany, ModelKeyResult, ModelObjective, Told

T = TypeVar("T")

MAPPER: Final = EventMapper(EVENTS, UPCASTERS)
BEGIN: Final = datetime(2026, 1, 5, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WHY: Final = "We know better now."
STRANGER: Final = UUID(int=0)
MOST_OBJECTIVES: Final = 6
# What is drawn above these bounds is picked regardless of whether it fits.
NUMBERS, PICKS = 12, 30

YEAR, WINTER, SPRING = (UUID(int=number) for number in (1, 2, 3))
DAYS: Final = {
    YEAR: (date(2026, 1, 1), date(2026, 12, 31)),
    WINTER: (date(2026, 1, 1), date(2026, 3, 31)),
    SPRING: (date(2026, 4, 1), date(2026, 6, 30)),
}
NEXT_STATE: Final = {
    ("planned", "activate"): "active",
    ("active", "start_scoring"): "scoring",
    ("scoring", "close"): "closed",
    ("scoring", "reopen"): "active",
    ("closed", "reopen"): "scoring",
}

TEAM, ADA, BOB, COMPANY = (
    Owner(kind="team", id="quality"),
    Owner(kind="person", id="ada"),
    Owner(kind="person", id="bob"),
    Owner(kind="company", id="acme"),
)
ROOT: Final = Authority(id="root", admin=True)
ACTORS: Final = (ROOT, Authority(id="ada", teams=frozenset({"quality"})), Authority(id="bob"))
SPEAKS_FOR: Final = {"root": (TEAM, ADA, BOB, COMPANY), "ada": (TEAM, ADA), "bob": (BOB,)}
FOLLOWER: Final = Authority(id="follower")

GERMAN, FRENCH, POLISH, DUTCH = (UUID(int=number) for number in (11, 12, 13, 14))


def listed(*milestones: tuple[UUID, float]) -> tuple[Milestone, ...]:
    return tuple(Milestone(id=each, title="L", weight=weight) for each, weight in milestones)


RISE: Final = Definition(title="K", type="increase", baseline=0.0, target=10.0)
KEEP: Final = Definition(title="K", type="maintain", lower=5.0)
BROKEN: Final = replace(RISE, target=0.0)
DEFINITIONS: Final = (
    RISE,
    replace(RISE, baseline=-5.0, target=20.0),
    Definition(title="K", type="decrease", baseline=10.0, target=0.0),
    KEEP,
    replace(KEEP, lower=0.0, upper=10.0),
    Definition(
        title="K",
        type="milestones",
        milestones=listed((GERMAN, 2.0), (FRENCH, 1.0), (POLISH, 0.0)),
    ),
    Definition(title="K", type="milestones", milestones=listed((GERMAN, 1.0), (DUTCH, 3.0))),
    Definition(title="K", type="binary"),
    BROKEN,
)
EVERY_TYPE: Final = (*DEFINITIONS[2:4], RISE, *DEFINITIONS[5:8:2])
VALUES: Final = (-1e308, -5.0, -0.0, 0.0, 1.0, 5.0, 7.5, 10.0, 20.0, 1e308)


@dataclass(frozen=True)
class Asked:
    """Who asks for something, and why."""

    by: Authority
    reason: str | None


@dataclass(frozen=True)
class Say:
    """What to say of a key result, in the way of its type if `fits`."""

    value: float
    done: bool
    milestones: tuple[UUID, ...]
    fits: bool

    def standing(self, kind: str) -> Standing:
        if (kind in ("increase", "decrease", "maintain")) == self.fits:
            return Standing(value=self.value)
        if (kind == "binary") == self.fits:
            return Standing(done=self.done)
        return Standing(milestones_done=self.milestones)


asked = st.builds(
    Asked,
    by=st.sampled_from((*[ROOT] * 6, *ACTORS)),
    reason=st.sampled_from((*[WHY] * 6, None, "")),
)
said = st.builds(
    Say,
    value=st.sampled_from((*VALUES, math.nan)),
    done=st.booleans(),
    milestones=st.sampled_from(
        ((), (GERMAN,), (FRENCH, GERMAN, FRENCH), (GERMAN, DUTCH), (POLISH,), (STRANGER,))
    ),
    fits=st.sampled_from((*[True] * 9, False)),
)
agos = st.sampled_from(
    (*[timedelta(0), HOUR, 5 * HOUR] * 3, 300 * DAY, -timedelta(seconds=20), -HOUR)
)
numbers = st.integers(0, NUMBERS)
picks = st.integers(0, PICKS + 5)
weights = st.sampled_from((0.0, 1.0, 1.0, 3.0))
scores = st.tuples(st.sampled_from((0.0, 0.25, 1.0, 1.5)), st.sampled_from((WHY, WHY, "")))
overridden = st.dictionaries(numbers, scores, max_size=1)
new_targets = st.dictionaries(numbers, st.none() | st.sampled_from(VALUES), max_size=2)


class Log:
    """Live states, and the events as they were stored: what the writer keeps."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.position = 0
        self.states: dict[UUID, Any] = {}
        self.stored: dict[UUID, list[LoggedEvent]] = {}
        self.touched: set[UUID] = set()
        self.random = random.Random(0)

    def record(
        self,
        id_: UUID,
        events: Sequence[Event],
        by: Authority,
        effective_at: datetime | None = None,
    ) -> None:
        for event in events:
            self.position += 1
            logged = LoggedEvent(
                originator_id=id_,
                originator_version=len(self.stored.setdefault(id_, [])) + 1,
                event=event,
                context=Context(
                    actor=Actor(by.id, "human"),
                    effective_at=effective_at or self.now,
                    command_id=uuid4(),
                    correlation_id="c",
                ),
                position=self.position,
                recorded_at=self.now,
            )
            stored = MAPPER.to_stored_event(logged)
            assert isinstance(stored, StoredEvent)
            read = MAPPER.to_domain_event(stored)
            self.stored[id_].append(
                replace(read, position=logged.position, recorded_at=logged.recorded_at)
            )
            self.states[id_] = self.evolve(id_)(self.states.get(id_), logged)
        self.touched.add(id_)

    def evolve(self, id_: UUID) -> Callable[[Any, LoggedEvent], Any]:
        return cycles.evolve if id_ in DAYS else evolving.evolve

    def folded(self, id_: UUID, state: Any, events: Sequence[LoggedEvent]) -> Any:
        for each in events:
            state = self.evolve(id_)(state, each)
        return state

    def check(self) -> None:
        """The touched aggregates are what their events say, from the first or from a snapshot."""
        for each in self.touched:
            events, live = self.stored[each], self.states[each]
            assert self.folded(each, None, events) == live
            version = self.random.randint(1, len(events))
            snapshot = msgspec.json.encode(self.folded(each, None, events[:version]))
            begun = msgspec.json.decode(snapshot, type=type(live))
            assert self.folded(each, begun, events[version:]) == live
        self.touched.clear()

    def check_in(self, check_in_id: UUID, id_: UUID) -> StandingCheckIn:
        """A check-in as it stands after all corrections."""
        logged = [
            each
            for each in self.stored[id_]
            if isinstance(each.event, KeyResultCheckedIn | CheckInCorrected)
            and each.event.check_in_id == check_in_id
        ]
        event: Any = logged[-1].event
        assert logged[-1].recorded_at is not None
        return StandingCheckIn(
            key_result_id=event.key_result_id,
            effective_at=min(logged[-1].context.effective_at, logged[-1].recorded_at),
            value=event.value,
            confidence=event.confidence,
            status=event.status,
            comment=event.comment,
            milestones_done=event.milestones_done,
        )


class LifeOfObjectives(RuleBasedStateMachine):
    """What people, and the follower of KPIs, do with a few objectives in three cycles."""

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.model = ModelCompany()
        self.cycles = dict.fromkeys(DAYS, "planned")
        self.work_began: dict[UUID, datetime] = {}
        self.check_ins: dict[UUID, list[tuple[UUID, UUID]]] = {}
        self.ids = (UUID(int=number) for number in count(100))
        self.kpis = {each: Kpi(key=each) for each in "ab"}
        self.heard: dict[str, tuple[int, int, float, float]] = {}

    # What happens to a command.

    def wrong(
        self, id_: UUID, step: Step, by: Asked, *, delegates_may: bool = True, reason: bool = False
    ) -> set[type[GoalsError]]:
        """Why a change is refused, as far as every change can be; `reason` if it needs one."""
        model = self.model.objectives[id_]
        may = [model.owner, *(model.delegates if delegates_may else ())]
        found: set[type[GoalsError]] = self.wrong_in_cycle(model, by)
        if not any(each in SPEAKS_FOR[by.by.id] for each in may):
            found.add(errors.NotOwnerError)
        if model.state not in STATES_OF[step].split():
            found.add(errors.ObjectiveStateError)
        if reason and not by.reason:
            found.add(errors.ReasonRequiredError)
        return found

    def wrong_in_cycle(self, model: ModelObjective, by: Asked) -> set[type[GoalsError]]:
        closed = self.cycles[model.cycle] == "closed"
        return {errors.CycleLockedError} if closed and not by.reason else set()

    def change(
        self,
        id_: UUID,
        by: Asked,
        wrong: set[type[GoalsError]],
        decide: Callable[[Objective, Cycle], Event | Sequence[Event]],
        *,
        effective_at: datetime | None = None,
        allow: Callable[[Objective], None] | None = None,
    ) -> bool:
        """Whether it was done; it is refused for one of the reasons foreseen, or done for none."""
        state: Objective = self.log.states[id_]
        its_cycle: Cycle = self.log.states[state.cycle_id]
        self.log.now += HOUR

        def allowed() -> Event | Sequence[Event]:
            if allow is not None:
                allow(state)
            else:
                require_owner(state.owner, by.by, state.delegates)
            cycles.require_reason_if_closed(its_cycle, by.reason)
            return decide(state, its_cycle)

        decided = foreseen(wrong, allowed)
        if decided is None:
            return False
        self.record(id_, decided if isinstance(decided, list) else [decided], by.by, effective_at)
        return True

    def record(
        self,
        id_: UUID,
        events: Sequence[Any],
        by: Authority,
        effective_at: datetime | None = None,
    ) -> None:
        self.log.record(id_, events, by, effective_at)
        model = self.model.objectives[id_]
        for each in events:
            model.versions += 1
            if not isinstance(each, KeyResultMeasured | ObjectiveCommented | ObjectiveAcknowledged):
                model.decided = model.versions

    def pick(self, number: int, step: Step | None) -> UUID:
        """One of the objectives; mostly one in whose state the step can be taken."""
        all_, states = list(self.model.objectives), STATES_OF[step].split() if step else ()
        fit = [each for each in all_ if self.model.objectives[each].state in states]
        chosen = fit if fit and number < PICKS else all_
        return chosen[number % len(chosen)]

    def key_result(
        self, id_: UUID, number: int, wrong: set[type[GoalsError]]
    ) -> tuple[UUID, ModelKeyResult | None]:
        """One of the objective's key results; seldom one that is not there."""
        found = list(self.model.objectives[id_].key_results.items())
        if found and number < NUMBERS:
            return found[number % len(found)]
        wrong.add(errors.KeyResultNotFoundError)
        return STRANGER, None

    # Cycles.

    @initialize()
    def begin(self) -> None:
        for each, (starts_on, ends_on) in DAYS.items():
            planned = cycles.plan(
                name="C",
                starts_on=starts_on,
                ends_on=ends_on,
                cadence="custom",
                check_in_rhythm="weekly",
            )
            self.log.record(each, [planned], ROOT)
            self.work_began[each] = datetime.combine(starts_on, time.min, UTC)
        self.move(YEAR, "activate", WHY)
        self.move(WINTER, "activate", WHY)
        self.draft(YEAR, TEAM, [(each, 1.0) for each in EVERY_TYPE], Asked(ROOT, None))
        self.draft(YEAR, BOB, [(RISE, 1.0), (KEEP, 3.0)], Asked(ROOT, None))
        self.draft(WINTER, TEAM, [(RISE, 1.0)], Asked(ROOT, None))
        self.activate(0, Asked(ROOT, None))
        self.activate(0, Asked(ROOT, None))
        self.measure("a", 0, 7.5, 5.0)

    @rule(
        cycle_id=st.sampled_from(list(DAYS)),
        step=st.sampled_from(("activate", "start_scoring", "close", "reopen")),
        reason=st.sampled_from((WHY, None)),
    )
    def move(self, cycle_id: UUID, step: str, reason: str | None) -> None:
        self.log.now += HOUR
        becomes = NEXT_STATE.get((self.cycles[cycle_id], step))
        state = self.log.states[cycle_id]
        wrong: set[type[GoalsError]] = set() if becomes else {errors.CycleStateError}
        if step == "reopen":
            wrong |= set() if reason else {errors.ReasonRequiredError}
            event = foreseen(wrong, lambda: cycles.reopen(state, reason=reason))
        else:
            event = foreseen(wrong, lambda: getattr(cycles, step)(state))
        if event is None or becomes is None:
            return
        self.log.record(cycle_id, [event], ROOT)
        self.cycles[cycle_id] = becomes
        if step == "activate":
            self.work_began[cycle_id] = min(self.work_began[cycle_id], self.log.now)

    # Words and people.

    def is_small(self) -> bool:
        return len(self.model.objectives) < MOST_OBJECTIVES

    @precondition(is_small)
    @rule(
        cycle_id=st.sampled_from(list(DAYS)),
        owner=st.sampled_from((TEAM, TEAM, BOB, COMPANY)),
        definitions=st.lists(st.tuples(st.sampled_from(DEFINITIONS), weights), max_size=3),
        by=asked,
    )
    def draft(
        self, cycle_id: UUID, owner: Owner, definitions: list[tuple[Definition, float]], by: Asked
    ) -> None:
        self.log.now += HOUR
        defined = {
            next(self.ids): replace(definition, weight=weight) for definition, weight in definitions
        }
        written = Draft(
            cycle_id=cycle_id,
            wording=Wording(title="T", description="", ambition="aspirational"),
            owner=owner,
            key_results=defined,
        )
        wrong: set[type[GoalsError]] = set()
        if owner not in SPEAKS_FOR[by.by.id]:
            wrong.add(errors.NotOwnerError)
        if self.cycles[cycle_id] not in ("planned", "active"):
            wrong.add(errors.CycleNotOpenError)
        if any(each.moves and each.target == each.baseline for each in defined.values()):
            wrong.add(errors.KeyResultTargetError)

        def allowed() -> Sequence[Event]:
            require_owner(owner, by.by)
            return objectives_.draft(self.log.states[cycle_id], written)

        events = foreseen(wrong, allowed)
        if events is None:
            return
        self.drafted(cycle_id, owner, events, by.by)

    def drafted(self, cycle_id: UUID, owner: Owner, events: Sequence[Any], by: Authority) -> UUID:
        id_ = next(self.ids)
        self.model.objectives[id_] = model = ModelObjective(cycle=cycle_id, owner=owner)
        self.check_ins[id_] = []
        self.record(id_, events, by)
        for each in self.log.states[id_].key_results:
            model.key_results[each.id] = ModelKeyResult(each.definition)
        return id_

    @rule(pick=picks, by=asked, owner=st.sampled_from((TEAM, BOB, COMPANY)))
    def reassign(self, pick: int, by: Asked, owner: Owner) -> None:
        id_ = self.pick(pick, "reassign")
        model = self.model.objectives[id_]
        wrong = self.wrong(id_, "reassign", by, delegates_may=False)
        if owner == model.owner:
            wrong.add(errors.NothingChangesError)
        if self.change(
            id_,
            by,
            wrong,
            lambda it, _: objectives_.reassign(it, owner),
            allow=lambda it: require_owner(it.owner, by.by),
        ):
            model.owner = owner

    @rule(pick=picks, by=asked, delegates=st.sampled_from(((), (BOB,), (TEAM, BOB))))
    def delegate(self, pick: int, by: Asked, delegates: tuple[Owner, ...]) -> None:
        id_ = self.pick(pick, "delegate")
        model = self.model.objectives[id_]
        wrong = self.wrong(id_, "delegate", by, delegates_may=False)
        if set(delegates) == model.delegates:
            wrong.add(errors.NothingChangesError)
        if self.change(
            id_,
            by,
            wrong,
            lambda it, _: objectives_.delegate(it, delegates),
            allow=lambda it: require_owner(it.owner, by.by),
        ):
            model.delegates = frozenset(delegates)

    @rule(pick=picks, by=st.sampled_from(ACTORS), comments=st.booleans())
    def talk(self, pick: int, by: Authority, comments: bool) -> None:
        id_ = self.pick(pick, None)
        if comments:
            self.record(id_, [feedback.comment(next(self.ids), "Why?", check_in_id=None)], by)
            return
        acknowledged = self.model.objectives[id_].acknowledged
        event = feedback.acknowledge(before=by.id in acknowledged, check_in_id=None)
        assert (event is None) == (by.id in acknowledged)
        acknowledged.add(by.id)
        self.record(id_, [event] if event else [], by)

    # Key results.

    @rule(pick=picks, by=asked, definition=st.sampled_from(DEFINITIONS), weight=weights)
    def add(self, pick: int, by: Asked, definition: Definition, weight: float) -> None:
        id_ = self.pick(pick, "add_key_result")
        wrong = self.wrong(id_, "add_key_result", by)
        if definition == BROKEN:
            wrong.add(errors.KeyResultTargetError)
        wanted, new_id = replace(definition, weight=weight), next(self.ids)
        if self.change(
            id_, by, wrong, lambda it, _: key_results.add(it, wanted, key_result_id=new_id)
        ):
            self.model.objectives[id_].key_results[new_id] = ModelKeyResult(wanted)

    @rule(pick=picks, number=numbers, by=asked, weight=weights)
    def weigh(self, pick: int, number: int, by: Asked, weight: float) -> None:
        id_ = self.pick(pick, "revise_key_result")
        wrong = self.wrong(id_, "revise_key_result", by)
        key_result_id, model = self.key_result(id_, number, wrong)
        wanted = replace(model.definition if model else RISE, weight=weight)
        if model and wanted == model.definition:
            wrong.add(errors.NothingChangesError)
        if self.change(id_, by, wrong, lambda it, _: key_results.revise(it, key_result_id, wanted)):
            assert model is not None
            model.definition = wanted

    @rule(pick=picks, number=numbers, by=asked, definition=st.sampled_from(DEFINITIONS))
    def retarget(self, pick: int, number: int, by: Asked, definition: Definition) -> None:
        id_ = self.pick(pick, "retarget_key_result")
        begun = self.model.objectives[id_].state != "draft"
        wrong = self.wrong(id_, "retarget_key_result", by, reason=begun)
        key_result_id, model = self.key_result(id_, number, wrong)
        wanted = replace(definition, weight=model.definition.weight if model else 1.0)
        if definition == BROKEN:
            wrong.add(errors.KeyResultTargetError)
        if model:
            if model.told and wanted.type != model.definition.type:
                wrong.add(errors.KeyResultTypeFixedError)
            if model.link and wanted.type in ("milestones", "binary"):
                wrong.add(errors.NotMeasurableByKpiError)
            if wanted == model.definition:
                wrong.add(errors.NothingChangesError)
        if self.change(
            id_,
            by,
            wrong,
            lambda it, _: key_results.retarget(it, key_result_id, wanted, reason=by.reason),
        ):
            assert model is not None
            model.retarget(wanted)

    @rule(pick=picks, number=numbers, by=asked)
    def remove(self, pick: int, number: int, by: Asked) -> None:
        id_ = self.pick(pick, "remove_key_result")
        model = self.model.objectives[id_]
        wrong = self.wrong(id_, "remove_key_result", by, reason=model.state != "draft")
        key_result_id, _ = self.key_result(id_, number, wrong)
        aligned = self.model.aligned_to(key_result_id)
        if aligned:
            wrong.add(errors.KeyResultHasChildrenError)
        if model.state == "active" and len(model.key_results) == 1:
            wrong.add(errors.LastKeyResultError)
        if self.change(
            id_,
            by,
            wrong,
            lambda it, _: key_results.remove(it, key_result_id, aligned=aligned, reason=by.reason),
        ):
            del model.key_results[key_result_id]

    # Check-ins.

    def wrong_standing(self, model: ModelKeyResult, say: Say) -> set[type[GoalsError]]:
        kind = model.definition.type
        if not say.fits:
            return {errors.CheckInValueError}
        if kind == "milestones":
            known = {each.id for each in model.definition.milestones}
            return {errors.MilestoneNotFoundError} if set(say.milestones) - known else set()
        if kind != "binary" and math.isnan(say.value):
            return {errors.NumberRefusedError}
        return set()

    def told(self, model: ModelKeyResult, say: Say) -> tuple[float, frozenset[UUID]]:
        kind = model.definition.type
        if kind == "milestones":
            return model.share(frozenset(say.milestones)), frozenset(say.milestones)
        return (float(say.done) if kind == "binary" else say.value), frozenset()

    @rule(
        pick=picks,
        number=numbers,
        by=asked,
        told=st.lists(st.tuples(said, agos), min_size=1, max_size=3),
    )
    def check_in(
        self, pick: int, number: int, by: Asked, told: list[tuple[Say, timedelta]]
    ) -> None:
        id_ = self.pick(pick, "check_in")
        for say, ago in told:
            self.check_in_once(id_, number, by, say, ago)

    def check_in_once(self, id_: UUID, number: int, by: Asked, say: Say, ago: timedelta) -> None:
        wrong = self.wrong(id_, "check_in", by)
        key_result_id, model = self.key_result(id_, number, wrong)
        now = self.log.now + HOUR
        effective_at, check_in_id = now - ago, next(self.ids)
        if ago == -HOUR or effective_at < self.work_began[self.model.objectives[id_].cycle]:
            wrong.add(errors.EffectiveAtError)
        if model:
            wrong |= self.wrong_standing(model, say)
            if model.link and not by.reason:
                wrong.add(errors.OverrideReasonRequiredError)
        statement = Statement(
            key_result_id=key_result_id,
            check_in_id=check_in_id,
            standing=say.standing(model.definition.type if model else "increase"),
        )
        if self.change(
            id_,
            by,
            wrong,
            lambda it, its_cycle: check_ins.check_in(
                it, its_cycle, statement, effective_at=effective_at, now=now, reason=by.reason
            ),
            effective_at=effective_at,
        ):
            assert model is not None
            value, done = self.told(model, say)
            model.tell(Told(check_in_id, min(effective_at, now), value, done, (value, done)))
            self.check_ins[id_].append((key_result_id, check_in_id))

    @precondition(lambda self: any(self.check_ins.values()))
    @rule(data=st.data(), by=asked, say=said)
    def correct(self, data: st.DataObject, by: Asked, say: Say) -> None:
        id_ = data.draw(st.sampled_from([each for each, said_ in self.check_ins.items() if said_]))
        key_result_id, check_in_id = data.draw(st.sampled_from(self.check_ins[id_]))
        wrong = self.wrong(id_, "correct_check_in", by, reason=True)
        model = self.model.objectives[id_].key_results.get(key_result_id)
        told = model and next(each for each in model.told if each.check_in == check_in_id)
        if model is None or told is None:
            wrong.add(errors.KeyResultNotFoundError)
        else:
            wrong |= self.wrong_standing(model, say)
            if not wrong and self.told(model, say) == told.said:
                wrong.add(errors.NothingChangesError)
        original = self.log.check_in(check_in_id, id_)
        statement = Statement(
            key_result_id=key_result_id,
            check_in_id=check_in_id,
            standing=say.standing(model.definition.type if model else "increase"),
        )
        if self.change(
            id_,
            by,
            wrong,
            lambda it, _: check_ins.correct(it, statement, original=original, reason=by.reason),
            effective_at=original.effective_at,
        ):
            assert model is not None
            assert told is not None
            told.said = told.value, told.done = self.told(model, say)
            told.in_band = model.in_band(told.value)
            self.model.exact = self.model.exact and not model.band_moved

    # KPIs.

    @rule(
        pick=picks,
        number=numbers,
        by=asked,
        kpi=st.sampled_from("aabc"),
        reading=st.sampled_from(("period", "latest")),
    )
    def link(self, pick: int, number: int, by: Asked, kpi: str, reading: Any) -> None:
        id_ = self.pick(pick, "link")
        wrong = self.wrong(id_, "link", by)
        key_result_id, model = self.key_result(id_, number, wrong)
        known = self.kpis.get(kpi)
        if known is None:
            wrong.add(errors.KpiUnknownError)
        elif known.retired:
            wrong.add(errors.KpiRetiredError)
        if model and model.link == (kpi, reading):
            wrong.add(errors.AlreadyLinkedError)
        if model and model.definition.type in ("milestones", "binary"):
            wrong.add(errors.NotMeasurableByKpiError)
        wanted = Link(kpi=kpi, reading=reading)
        if self.change(
            id_, by, wrong, lambda it, _: kpi_link.link(it, key_result_id, wanted, kpi=known)
        ):
            assert model is not None
            model.link, model.reading = (kpi, reading), None
            self.hear(id_)

    @rule(pick=picks, number=numbers, by=asked)
    def unlink(self, pick: int, number: int, by: Asked) -> None:
        id_ = self.pick(pick, "unlink")
        wrong = self.wrong(id_, "unlink", by)
        key_result_id, model = self.key_result(id_, number, wrong)
        if model and model.link is None:
            wrong.add(errors.NotLinkedError)
        if self.change(id_, by, wrong, lambda it, _: kpi_link.unlink(it, key_result_id)):
            assert model is not None
            model.link = model.reading = None

    @rule(
        kpi=st.sampled_from("ab"),
        period=st.integers(0, 3),
        value=st.sampled_from((*VALUES, math.inf)),
        latest=st.sampled_from(VALUES),
    )
    def measure(self, kpi: str, period: int, value: float, latest: float) -> None:
        self.log.now += HOUR
        self.log.position += 1
        starts_at = BEGIN + 5 * period * HOUR
        self.kpis[kpi] = self.kpis[kpi].says(
            KpiValue(
                definition=1,
                period=value,
                latest=latest,
                period_start=starts_at,
                period_end=starts_at + 5 * HOUR,
                metrics_position=self.log.position,
            )
        )
        if kpi not in self.heard or period >= self.heard[kpi][0]:
            self.heard[kpi] = (period, self.log.position, value, latest)
        for each in self.model.objectives:
            self.hear(each)

    @rule(kpi=st.sampled_from("ab"), really=st.integers(0, 5))
    def retire(self, kpi: str, really: int) -> None:
        if really:  # seldom: nothing is measured by it any more
            return
        self.kpis[kpi] = self.kpis[kpi].retire()
        for id_, model in self.model.objectives.items():
            for key_result_id, found in model.key_results.items():
                event = kpi_link.stop_following(self.log.states[id_], key_result_id, kpi)
                follows = found.link is not None and found.link[0] == kpi
                assert (event is not None) == follows
                if follows:
                    self.record(id_, [event], FOLLOWER)
                    found.link = found.reading = None

    def hear(self, id_: UUID) -> None:
        """Measure what of the objective follows KPIs, where they say something new."""
        for key_result_id, model in self.model.objectives[id_].key_results.items():
            if model.link is None:
                continue
            kpi, reading = model.link
            event = kpi_link.measure(
                self.log.states[id_], key_result_id=key_result_id, kpi=self.kpis[kpi]
            )
            assert (event is not None) == self.is_news(id_, model)
            if event is not None:
                period, position, value, latest = self.heard[kpi]
                self.record(id_, [event], FOLLOWER)
                ends_at = BEGIN + 5 * (period + 1) * HOUR
                number = value if reading == "period" else latest
                model.measure(number, min(ends_at, self.log.now), (period, position))

    def is_news(self, id_: UUID, model: ModelKeyResult) -> bool:
        assert model.link is not None
        kpi, reading = model.link
        if self.model.objectives[id_].state != "active" or kpi not in self.heard:
            return False
        period, position, value, latest = self.heard[kpi]
        number = value if reading == "period" else latest
        standing = model.current()
        if math.isinf(number):
            return False
        if model.reading is None or standing is None:
            return True
        if position <= model.reading[1]:
            return False
        if model.definition.type == "maintain" and period != model.reading[0]:
            return True
        return standing.check_in is not None or standing.value != number

    # Alignment.

    @rule(
        pick=picks,
        above=picks,
        number=st.none() | numbers,
        by=asked,
        kind=st.sampled_from(("contributes", "contributes", "supports")),
        weight=st.sampled_from((0.0, *[1.0, 3.0] * 3, math.nan)),
    )
    def align(
        self, pick: int, above: int, number: int | None, by: Asked, kind: Any, weight: float
    ) -> None:
        id_ = self.pick(pick, "align")
        parent_id = self.pick(above, None)
        child, parent = self.model.objectives[id_], self.model.objectives[parent_id]
        wrong = self.wrong(id_, "align", by)
        key_result_id = self.key_result(parent_id, number, set())[0] if number is not None else None
        if key_result_id == STRANGER:
            wrong.add(errors.UnknownParentError)
        if math.isnan(weight):
            wrong.add(errors.NumberRefusedError)
        if id_ == parent_id or id_ in self.model.above(parent_id):
            wrong.add(errors.AlignmentCircleError)
        if child.parents.get((parent_id, key_result_id)) == (kind, weight):
            wrong.add(errors.AlreadyAlignedError)
        if parent.state in ("closed", "abandoned"):
            wrong.add(errors.ParentClosedError)
        if {child.cycle, parent.cycle} == {WINTER, SPRING}:
            wrong.add(errors.CyclesApartError)
        wanted = Alignment(
            parent_objective_id=parent_id,
            parent_key_result_id=key_result_id,
            kind=kind,
            weight=weight,
        )
        above = Parent(
            objective=self.log.states[parent_id],
            cycle=self.log.states[parent.cycle],
            ancestors=self.model.above(parent_id),
        )
        if self.change(
            id_, by, wrong, lambda it, its_cycle: align(it, its_cycle, wanted, parent=above)
        ):
            child.parents.pop((parent_id, key_result_id), None)
            child.parents[parent_id, key_result_id] = (kind, weight)

    @rule(pick=picks, above=picks, number=st.none() | numbers, by=asked)
    def unalign(self, pick: int, above: int, number: int | None, by: Asked) -> None:
        id_ = self.pick(pick, "unalign")
        parent_id = self.pick(above, None)
        wrong = self.wrong(id_, "unalign", by)
        key_result_id = self.key_result(parent_id, number, set())[0] if number is not None else None
        parents = self.model.objectives[id_].parents
        if (parent_id, key_result_id) not in parents:
            wrong.add(errors.NotAlignedError)
        if self.change(id_, by, wrong, lambda it, _: unalign(it, (parent_id, key_result_id))):
            del parents[parent_id, key_result_id]

    # From draft to the end, and back.

    @rule(pick=picks, by=asked)
    def propose(self, pick: int, by: Asked) -> None:
        id_ = self.pick(pick, "propose")
        model = self.model.objectives[id_]
        wrong = self.wrong(id_, "propose", by)
        if not model.key_results:
            wrong.add(errors.NoKeyResultsError)
        if self.change(id_, by, wrong, lambda it, _: lifecycle.propose(it)):
            model.state, model.approved = "proposed", False

    def owners_above(self, id_: UUID) -> list[Owner]:
        parents = self.model.objectives[id_].parents
        return [self.model.objectives[parent].owner for parent, _ in parents]

    @rule(pick=picks, by=asked)
    def approve(self, pick: int, by: Asked) -> None:
        id_ = self.pick(pick, "approve")
        model, owners = self.model.objectives[id_], self.owners_above(id_)
        wrong = self.wrong(id_, "approve", by) - {errors.NotOwnerError}
        own, spoken_for = [model.owner, *model.delegates], SPEAKS_FOR[by.by.id]
        if by.by != ROOT and (
            any(each in spoken_for for each in own)
            or not any(each in spoken_for for each in owners)
        ):
            wrong.add(errors.NotApproverError)
        if model.approved:
            wrong.add(errors.AlreadyApprovedError)

        def allow(_: Objective) -> None:
            require_approver(owners, by.by, own=own)

        if self.change(id_, by, wrong, lifecycle.approve, allow=allow):
            model.approved = True
            if self.cycles[model.cycle] == "active":
                self.begin_work(id_)

    @rule(pick=picks, by=asked)
    def return_to_draft(self, pick: int, by: Asked) -> None:
        id_ = self.pick(pick, "return")
        wrong = self.wrong(id_, "return", by, reason=True)
        if self.change(
            id_, by, wrong, lambda it, _: lifecycle.return_to_draft(it, reason=by.reason)
        ):
            model = self.model.objectives[id_]
            model.state, model.approved = "draft", False

    @rule(pick=picks, by=asked)
    def activate(self, pick: int, by: Asked) -> None:
        id_ = self.pick(pick, "activate")
        model = self.model.objectives[id_]
        wrong = self.wrong(id_, "activate", by)
        if model.state == "proposed" and not model.approved:
            wrong.add(errors.NotApprovedError)
        if self.cycles[model.cycle] != "active":
            wrong.add(errors.CycleNotActiveError)
        if not model.key_results:
            wrong.add(errors.NoKeyResultsError)
        if self.change(id_, by, wrong, lifecycle.activate):
            self.begin_work(id_)

    def begin_work(self, id_: UUID) -> None:
        model = self.model.objectives[id_]
        model.state, model.was_active = "active", True
        self.hear(id_)

    @rule(pick=picks, by=asked, for_good=st.booleans())
    def end(self, pick: int, by: Asked, for_good: bool) -> None:
        step: Step = "abandon" if for_good else "postpone"
        decide = lifecycle.abandon if for_good else lifecycle.postpone
        id_ = self.pick(pick, step)
        wrong = self.wrong(id_, step, by, reason=True)
        if self.change(id_, by, wrong, lambda it, _: decide(it, reason=by.reason)):
            model = self.model.objectives[id_]
            model.state, model.approved = ("abandoned" if for_good else "postponed"), False

    @rule(pick=picks, by=asked)
    def reopen(self, pick: int, by: Asked) -> None:
        id_ = self.pick(pick, "reopen")
        model = self.model.objectives[id_]
        wrong = self.wrong(id_, "reopen", by, reason=True)
        if model.was_active and self.cycles[model.cycle] not in ("active", "scoring"):
            wrong.add(errors.CycleNotActiveError)
        if self.change(id_, by, wrong, lambda it, its: lifecycle.reopen(it, its, reason=by.reason)):
            model.computed, model.overrides = {}, {}
            model.state = "draft"
            if model.was_active:
                self.begin_work(id_)

    # The end, and what follows.

    def overrides(
        self, id_: UUID, wanted: dict[int, tuple[float, str]], wrong: set[type[GoalsError]]
    ) -> dict[UUID, tuple[float, str]]:
        if any(score > 1 or not reason for score, reason in wanted.values()):
            wrong.add(errors.OverrideRefusedError)
        return {self.key_result(id_, number, wrong)[0]: each for number, each in wanted.items()}

    @rule(pick=picks, by=asked, wanted=overridden)
    def close(self, pick: int, by: Asked, wanted: dict[int, tuple[float, str]]) -> None:
        id_ = self.pick(pick, "close")
        model = self.model.objectives[id_]
        wrong = self.wrong(id_, "close", by)
        if not any(each.definition.weight for each in model.key_results.values()):
            wrong.add(errors.NothingToScoreError)
        overrides = self.overrides(id_, wanted, wrong)
        progress = roll_up(self.log.states[id_], self.others(id_)).key_results
        if self.change(
            id_,
            by,
            wrong,
            lambda it, _: scoring.close(it, progress=progress, overrides=as_overrides(overrides)),
        ):
            model.state, model.computed = "closed", dict(self.model.shares(id_))
            model.overrides = overrides

    @rule(pick=picks, by=asked, wanted=overridden)
    def rescore(self, pick: int, by: Asked, wanted: dict[int, tuple[float, str]]) -> None:
        id_ = self.pick(pick, "rescore")
        model = self.model.objectives[id_]
        wrong = self.wrong(id_, "rescore", by, reason=True)
        overrides = self.overrides(id_, wanted, wrong)
        # What had no value of its own keeps what those below gave it when it was closed.
        below = model.computed
        shares = {
            each: share
            if model.key_results[each].attained() is not None
            else below.get(each, share)
            for each, share in self.model.shares(id_).items()
        }
        if not any(each.definition.weight for each in model.key_results.values()):
            wrong.add(errors.NothingToScoreError)
        if (overrides, shares) == (model.overrides, model.computed):
            wrong.add(errors.NothingChangesError)
        progress = roll_up(self.log.states[id_], self.others(id_)).key_results
        if self.change(
            id_,
            by,
            wrong,
            lambda it, _: scoring.rescore(
                it, progress=progress, overrides=as_overrides(overrides), reason=by.reason
            ),
        ):
            model.computed, model.overrides = shares, overrides

    @rule(pick=picks, by=asked, text=st.sampled_from(("Pairs.", "Trains.")))
    def write_retrospective(self, pick: int, by: Asked, text: str) -> None:
        id_ = self.pick(pick, "write_retrospective")
        model = self.model.objectives[id_]
        wrong = self.wrong(id_, "write_retrospective", by)
        if text == model.retrospective:
            wrong.add(errors.NothingChangesError)
        written = Retrospective(worked=text, did_not_work="", carry_on="")
        if self.change(id_, by, wrong, lambda it, _: scoring.write_retrospective(it, written)):
            model.retrospective = text

    @precondition(is_small)
    @rule(
        pick=picks,
        by=asked,
        into=st.sampled_from((SPRING, SPRING, YEAR)),
        chosen=st.none() | new_targets,
    )
    def carry_over(
        self, pick: int, by: Asked, into: UUID, chosen: dict[int, float | None] | None
    ) -> None:
        id_ = self.pick(pick, "carry_over")
        model, new_id = self.model.objectives[id_], STRANGER
        wrong = self.wrong(id_, "carry_over", by)
        if model.successor is not None:
            wrong.add(errors.AlreadyCarriedOverError)
        if self.cycles[into] not in ("planned", "active") or DAYS[into][0] <= DAYS[model.cycle][0]:
            wrong.add(errors.CarryOverCycleError)
        named = chosen and {
            self.key_result(id_, each, wrong)[0]: target for each, target in chosen.items()
        }
        wrong |= wrong_targets(model, named)
        wanted = CarryOver(cycle_id=into, targets=named)
        drafted: list[Any] = []

        def decide(it: Objective, its_cycle: Cycle) -> Sequence[Event]:
            into_cycle = self.log.states[into]
            event = carrying.carry_over(it, its_cycle, into_cycle, wanted, successor_id=new_id)
            draft, _ = carrying.successor(it, into_cycle, wanted, key_result_ids=self.ids)
            drafted.extend(objectives_.draft(into_cycle, draft))
            return [event]

        if not self.change(id_, by, wrong, decide):
            return
        model.successor = new_id
        successor_id = self.drafted(into, model.owner, drafted, by.by)
        self.model.objectives[successor_id].delegates = model.delegates
        assert self.log.states[successor_id].predecessor_id == id_

    # What holds after every step.

    def others(self, id_: UUID) -> list[Objective]:
        return [self.log.states[each] for each in self.model.objectives if each != id_]

    @invariant()
    def everything_stands_where_its_events_and_the_model_have_it(self) -> None:
        if self.log.touched:
            self.log.check()
            self.states_agree()
            self.progress_agrees()
            self.scores_agree()

    def states_agree(self) -> None:
        for id_, model in self.model.objectives.items():
            live: Objective = self.log.states[id_]
            assert live.state == model.state
            assert (live.owner, frozenset(live.delegates)) == (model.owner, model.delegates)
            assert live.decided == model.decided
            assert [each.id for each in live.key_results] == list(model.key_results)
            stands = {each.parent: (each.kind, each.weight) for each in live.alignments}
            assert stands == model.parents
            assert id_ not in self.model.above(id_)
            assert live.successor is None or live.successor.objective_id == model.successor
            self.key_results_agree(live, model)

    def key_results_agree(self, live: Objective, model: ModelObjective) -> None:
        for each in live.key_results:
            found = model.key_results[each.id]
            assert each.definition == found.definition
            assert (each.current and each.current.value) == found.value()
            assert (each.link and (each.link.kpi, each.link.reading)) == found.link
            assert each.tally.measured == len(found.counted())
            assert 0 <= each.tally.in_band <= each.tally.measured
            if self.model.exact:
                assert each.tally.in_band == sum(found.counted())

    def progress_agrees(self) -> None:
        for id_ in self.model.objectives:
            found = roll_up(self.log.states[id_], self.others(id_))
            shares = [each.progress for each in found.key_results.values()]
            assert all(0 <= each <= 1 for each in shares)
            assert found.progress is None or 0 <= found.progress <= 1
            if self.model.exact:
                assert found.progress == about(self.model.progress(id_))

    def scores_agree(self) -> None:
        for id_, model in self.model.objectives.items():
            outcome = self.log.states[id_].outcome
            assert (outcome is None) == (model.state != "closed")
            if outcome is not None and self.model.exact:
                assert outcome.score == about(model.score())
                assert outcome.verdict == verdict(ambition="aspirational", score=outcome.score)


def about(share: Fraction | None) -> Any:
    """What a floating point number of this worth equals."""
    return None if share is None else pytest.approx(float(share), abs=1e-9)


def foreseen(wrong: set[type[GoalsError]], decide: Callable[[], T]) -> T | None:
    """What is decided; None if it is refused, for one of the reasons that were foreseen."""
    refusal: GoalsError | None = None
    decided: T | None = None
    try:
        decided = decide()
    except GoalsError as error:
        refusal = error
    if wrong:
        assert type(refusal) in wrong, (refusal, wrong)
    else:
        assert refusal is None, refusal
    return decided


def as_overrides(wanted: dict[UUID, tuple[float, str]]) -> list[Override]:
    return [
        Override(key_result_id=each, score=score, reason=reason)
        for each, (score, reason) in wanted.items()
    ]


def wrong_targets(
    model: ModelObjective, named: dict[UUID, float | None] | None
) -> set[type[GoalsError]]:
    """Why the key results that are named, or else all that are left, cannot be carried over."""
    if named is None:
        named = {each: None for each, found in model.key_results.items() if not found.is_reached()}
    if not named:
        return {errors.NothingToCarryOverError}
    known = [(model.key_results[each], to) for each, to in named.items() if each != STRANGER]
    return {errors.KeyResultTargetError} if any(is_no_way(*each) for each in known) else set()


def is_no_way(found: ModelKeyResult, target: float | None) -> bool:
    if not found.definition.moves:
        return target is not None
    if target is None and found.is_reached():
        return True
    value = found.value()
    stands = found.definition.baseline if value is None else value
    return stands == (found.definition.target if target is None else target)


TestLifeOfObjectives = LifeOfObjectives.TestCase
# How fast stories are told depends on what else the machine does, and says nothing of the domain.
TestLifeOfObjectives.settings = settings(
    max_examples=80,
    stateful_step_count=50,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
