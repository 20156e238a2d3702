"""Plans brought in: a cycle's objectives drafted, aligned, linked and activated, all or none.

The events are those of the same steps taken one by one. What a plan names is known by ids that
follow from its keys (see `exchange.identity`), so that a plan that comes again finds what it led
to and leaves that as it is.
"""

from dataclasses import dataclass
from uuid import UUID

from services.chassis.eventstore.unit import Loaded, Unit
from services.goals.application.alignments import align_below
from services.goals.application.measuring import measure_followed
from services.goals.application.plan_cycle import cycle_of
from services.goals.application.plan_faults import Faults
from services.goals.commands import ImportPlan
from services.goals.domain import kpi_link, lifecycle, objective
from services.goals.domain.authority import require_owner
from services.goals.domain.cycle import Cycle
from services.goals.domain.errors import GoalsError, KpiRetiredError, KpiUnknownError
from services.goals.domain.objective import Alignment, Draft, Objective, Wording
from services.goals.exchange import identity
from services.goals.exchange.findings import Finding
from services.goals.exchange.plan import PlannedAlignment, PlannedObjective
from services.goals.persistence.alignments import standing_above, walk_up
from services.goals.persistence.kpis import load_kpis
from services.goals.persistence.log import OBJECTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedObjective:
    """What became of an objective of the plan; `created` is false where it was there before."""

    key: str | None
    created: bool
    loaded: Loaded[Objective]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPlan:
    """What a plan led to, or would have led to, and what there is to know about it.

    There were `findings_total` findings; the first of them are given.
    """

    cycle: Loaded[Cycle]
    cycle_created: bool
    objectives: list[ImportedObjective]
    findings: list[Finding]
    findings_total: int


class PlanRehearsedError(Exception):
    """Everything would have gone well; raised so that nothing of it is recorded."""

    def __init__(self, imported: ImportedPlan) -> None:
        super().__init__("The plan was tried out only.")
        self.imported = imported


def import_plan(unit: Unit, command: ImportPlan) -> ImportedPlan:
    """ObjectiveDrafted, KeyResultAdded, ObjectiveAligned, KeyResultLinked, ObjectiveActivated.

    CyclePlanned before them where the plan brings its cycle with it, KeyResultMeasured after them
    where a KPI has a value already. Raises PlanRefusedError, or PlanNotAllowedError where rights
    are all that is missing, each with all findings; PlanRehearsedError for a dry run.
    """
    imported = _Import(unit, command).run()
    if command.dry_run:
        raise PlanRehearsedError(imported)
    return imported


def touches(command: ImportPlan) -> tuple[UUID, ...]:
    """What a plan will look for, as far as that follows from the plan alone."""
    planned = [each.planned for each in command.read.objectives if each.planned is not None]
    named = [identity.as_id(each.objective) for one in planned for each in one.aligned_to]
    named += [identity.as_id(each.key) for each in planned if each.key]
    own_cycle = command.read.cycle.id if command.read.cycle else None
    cycle_id = identity.as_id(command.cycle) if command.cycle else own_cycle
    if cycle_id is not None:
        names = map(identity.name_of, planned)
        named += [cycle_id, *(identity.objective_id(cycle_id, each) for each in names)]
    return tuple({each for each in named if each is not None})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """An objective of the plan that is in the log now."""

    pointer: str
    planned: PlannedObjective
    id: UUID
    created: bool


class _Import:
    """One plan on its way in. Every step goes on after a refusal, so that all are found."""

    def __init__(self, unit: Unit, command: ImportPlan) -> None:
        self._unit = unit
        self._command = command
        self._plan = command.read
        self._faults = Faults(command.read)
        self._entries: list[_Entry] = []
        self._ids: dict[str, UUID] = {}
        # What the plan names but could not be drafted: told of once, and not again as a parent.
        self._lost: set[str] = set()

    def run(self) -> ImportedPlan:
        """Take all steps. Raises PlanRefusedError, PlanNotAllowedError."""
        found, cycle_created = cycle_of(self._unit, self._command, self._faults)
        if found is None:
            self._check_rights()
        else:
            self._draft_all(found)
            self._align_all(found.id)
            self._link_all()
        self._faults.require_none()
        assert found is not None, "a plan without a cycle was refused"
        if self._command.activate:
            self._activate_all(found.state)
        return ImportedPlan(
            cycle=found,
            cycle_created=cycle_created,
            objectives=[self._imported(each) for each in self._entries],
            findings=self._faults.findings.kept,
            findings_total=self._faults.findings.total,
        )

    def _check_rights(self) -> None:
        """What can be said of objectives that have no cycle to be in."""
        for each in self._plan.objectives:
            if each.planned is not None:
                with self._faults.taken_down(f"{each.pointer}/owner"):
                    require_owner(each.planned.owner.value(), self._command.by)

    def _draft_all(self, cycle: Loaded[Cycle]) -> None:
        for each in self._plan.objectives:
            if each.planned is None:
                self._lost |= {each.key} if each.key else set()
                continue
            name = identity.name_of(each.planned)
            entry = self._there(cycle.id, name, each.pointer, each.planned)
            entry = entry or self._drafted(cycle, name, each.pointer, each.planned)
            if entry is None:
                self._lost.add(name)
            elif name not in self._ids:
                self._entries.append(entry)
                self._ids[name] = entry.id

    def _there(
        self, cycle_id: UUID, name: str, pointer: str, planned: PlannedObjective
    ) -> _Entry | None:
        """The objective where an earlier import drafted it, or an export found it."""
        found = self._known(cycle_id, name)
        if found is None or found.state.cycle_id != cycle_id:
            return None
        same = found.state.title == planned.title
        called = "" if same else f" It is called “{found.state.title}” now."
        message = f"The objective is there already and was left as it is.{called}"
        self._faults.add("already_there", message, pointer, severity="warning")
        return _Entry(pointer=pointer, planned=planned, id=found.id, created=False)

    def _known(self, cycle_id: UUID, name: str) -> Loaded[Objective] | None:
        """The objective of that name in the cycle, or else of that id."""
        derived = self._unit.find(OBJECTIVE, identity.objective_id(cycle_id, name))
        named_id = identity.as_id(name)
        if derived is not None or named_id is None:
            return derived
        return self._unit.find(OBJECTIVE, named_id)

    def _drafted(
        self, cycle: Loaded[Cycle], name: str, pointer: str, planned: PlannedObjective
    ) -> _Entry | None:
        objective_id = identity.objective_id(cycle.id, name)
        allowed = drafted = False
        with self._faults.taken_down(f"{pointer}/owner"):
            require_owner(planned.owner.value(), self._command.by)
            allowed = True
        with self._faults.taken_down(pointer):
            events = objective.draft(cycle.state, _draft(cycle.id, objective_id, planned))
            self._unit.record(OBJECTIVE, objective_id, *events)
            drafted = True
        if not (allowed and drafted):
            return None
        return _Entry(pointer=pointer, planned=planned, id=objective_id, created=True)

    def _align_all(self, cycle_id: UUID) -> None:
        wanted = [
            (entry, f"{entry.pointer}/aligned_to/{at}", planned, parent)
            for entry in self._entries
            if entry.created
            for at, planned in enumerate(entry.planned.aligned_to)
            if (parent := self._parent(cycle_id, planned, f"{entry.pointer}/aligned_to/{at}"))
        ]
        above: dict[UUID, set[UUID]] = {}
        with self._faults.taken_down("/objectives"):
            above = standing_above(self._unit.index(), {parent.id for *_, parent in wanted})
        for entry, pointer, planned, parent in wanted:
            with self._faults.taken_down(pointer):
                alignment = _alignment(planned, parent)
                align_below(self._unit, entry.id, alignment, walk_up(above, parent.id))
                # What was just aligned may have to be walked through by those that follow.
                above.setdefault(entry.id, set()).add(parent.id)

    def _parent(
        self, cycle_id: UUID, planned: PlannedAlignment, pointer: str
    ) -> Loaded[Objective] | None:
        """The objective that an alignment names; one that is not there is told of."""
        within = self._ids.get(planned.objective)
        if within is not None:
            return self._unit.load(OBJECTIVE, within)
        if planned.objective in self._lost:
            return None
        found = self._known(cycle_id, planned.objective)
        if found is None:
            message = "The plan has no objective of this key, and there is none of this id."
            self._faults.add("unknown_parent", message, f"{pointer}/objective")
        return found

    def _link_all(self) -> None:
        linked = [
            (entry, at, each.link)
            for entry in self._entries
            if entry.created
            for at, each in enumerate(entry.planned.key_results)
            if each.link is not None
        ]
        if not linked:
            return
        heard = load_kpis(self._unit.index(), {link.kpi for _, _, link in linked})
        for entry, at, link in linked:
            known = heard.get(link.kpi)
            pointer = f"{entry.pointer}/key_results/{at}/link"
            loaded = self._unit.load(OBJECTIVE, entry.id)
            with self._faults.taken_down(pointer, warned_of=(KpiUnknownError, KpiRetiredError)):
                events = kpi_link.link(
                    loaded.state,
                    loaded.state.key_results[at].id,
                    link.value(),
                    kpi=known.kpi if known else None,
                )
                self._unit.record(OBJECTIVE, entry.id, *events)

    def _activate_all(self, cycle: Cycle) -> None:
        """Begin the work on what can be worked on; the rest stays a draft, and that is told of."""
        for entry in self._entries:
            loaded = self._unit.load(OBJECTIVE, entry.id)
            if entry.created:
                with self._faults.taken_down(entry.pointer, warned_of=(GoalsError,)):
                    self._unit.record(OBJECTIVE, entry.id, lifecycle.activate(loaded.state, cycle))
                    measure_followed(self._unit, entry.id)

    def _imported(self, entry: _Entry) -> ImportedObjective:
        loaded = self._unit.load(OBJECTIVE, entry.id)
        return ImportedObjective(key=entry.planned.key, created=entry.created, loaded=loaded)


def _draft(cycle_id: UUID, objective_id: UUID, planned: PlannedObjective) -> Draft:
    ids = (
        identity.key_result_id(objective_id, identity.key_result_name(each, number))
        for number, each in enumerate(planned.key_results, 1)
    )
    return Draft(
        cycle_id=cycle_id,
        wording=Wording(
            title=planned.title,
            description=planned.description,
            ambition=planned.ambition,
            labels=planned.labels,
        ),
        owner=planned.owner.value(),
        delegates=tuple(each.value() for each in planned.delegates),
        key_results={
            key_result_id: identity.definition(each, key_result_id)
            for key_result_id, each in zip(ids, planned.key_results, strict=True)
        },
    )


def _alignment(planned: PlannedAlignment, parent: Loaded[Objective]) -> Alignment:
    return Alignment(
        parent_objective_id=parent.id,
        parent_key_result_id=_parent_key_result(planned.key_result, parent),
        kind=planned.kind,
        weight=planned.weight,
    )


def _parent_key_result(key: str | None, parent: Loaded[Objective]) -> UUID | None:
    """The parent's key result of that key, or else of that id, whether or not it is there."""
    if key is None:
        return None
    derived = identity.key_result_id(parent.id, key)
    known = {each.id for each in parent.state.key_results}
    return derived if derived in known else identity.as_id(key) or derived
