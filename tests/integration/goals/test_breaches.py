"""Reviews that KPIs open and propose to close, once, whatever comes again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from eventsourcing.persistence import OperationalError
from pydantic import SecretStr

from contracts.cloudevents import CloudEvent
from contracts.events import PublishedEvent
from contracts.goals import Owner
from contracts.metrics import KpiRedefined
from contracts.subjects import METRICS_STREAM, event_subject
from services.chassis.bus import Bus, Message
from services.chassis.eventstore.group import CommitGroup
from services.goals import following
from services.goals.following import CheckpointMovedError, followed_to
from services.goals.settings import GoalsSettings
from tests.integration.goals.conftest import (
    COVERAGE,
    Json,
    Service,
    Starting,
    key_result_path,
)
from tests.integration.goals.metrics_log import (
    CONTEXT,
    KPI,
    Following,
    Metrics,
    breached,
    defined,
    followed_by,
    measured,
    recovered,
)

Submit = Callable[[Any], Awaitable[Any]]

BOUND_SECONDS = 30
OPENED = "goals.review.opened"
PROPOSED = "goals.review.closing_proposed"
WITHDRAWN = "goals.review.closing_withdrawn"


@pytest.fixture
def followed(service: Service) -> Following:
    return followed_by(service)


async def reviews(service: Service, **wanted: Any) -> list[Json]:
    page = await service.reader.get("/reviews", limit=200, **wanted)
    items: list[Json] = page.json()["items"]
    return items


async def only_review(service: Service) -> Json:
    (item,) = await reviews(service)
    found: Json = (await service.reader.get(f"/reviews/{item['id']}")).json()
    return found


async def history(service: Service, review: Json) -> list[Json]:
    page = await service.reader.get(f"/reviews/{review['id']}/history", limit=200)
    items: list[Json] = page.json()["items"]
    return items


async def topics(service: Service, review: Json) -> list[str]:
    return [each["topic"] for each in await history(service, review)]


async def close(service: Service, review: Json) -> None:
    path = f"/reviews/{review['id']}/close"
    await service.lead.done(path, {"resolution": "Solved."}, version=review["version"])


async def test_a_breach_opens_a_review_of_the_key_result_that_follows(followed: Following) -> None:
    await followed.hear(defined())
    objective = await followed.linked(await followed.service.active_cycle())
    (event,) = followed.metrics.say(breached())
    await followed.apply([event])
    review = await only_review(followed.service)
    assert review["objective_id"] == objective["id"]
    assert review["key_result_id"] == objective["key_results"][0]["id"]
    assert (review["kpi"], review["state"]) == (KPI, "open")
    assert (review["owner"], review["due_on"]) == (objective["owner"], None)
    assert review["breach"] == {
        "event_id": str(event.id),
        "status": "red",
        "value": 61.5,
        "threshold": 65,
        "period_start": "2026-02-01T00:00:00Z",
        "period_end": "2026-02-02T00:00:00Z",
        "since": "2026-01-31T00:00:00Z",
        "metrics_position": event.position,
    }
    (entry,) = await history(followed.service, review)
    assert entry["actor"] == {"id": "cairn-goals-follower", "kind": "automation"}
    assert entry["causation_id"] == str(event.id)
    assert entry["correlation_id"] == CONTEXT.correlation_id
    assert entry["sentence"].startswith("cairn-goals-follower opened a review of the key result")
    assert "the KPI quality.coverage is red, with 61.5 against 65" in entry["sentence"]
    shown = await followed.service.reader.get(f"/objectives/{objective['id']}")
    assert shown.json()["version"] == objective["version"]


async def test_each_key_result_that_follows_gets_a_review(followed: Following) -> None:
    await followed.hear(defined())
    service = followed.service
    cycle = await service.active_cycle()
    one = await followed.linked(cycle)
    both = await service.active_objective(cycle, COVERAGE, COVERAGE)
    for index in (0, 1):
        path = f"{key_result_path(both, index)}/link"
        both = await service.lead.done(path, {"kpi": KPI}, version=both["version"])
    await followed.hear(breached())
    found = await reviews(service)
    assert {(each["objective_id"], each["key_result_id"]) for each in found} == {
        (objective["id"], key_result["id"])
        for objective in (one, both)
        for key_result in objective["key_results"]
    }
    await followed.hear(recovered(day=2))
    assert {each["state"] for each in await reviews(service)} == {"closing_proposed"}


async def test_a_kpi_that_nothing_follows_is_reviewed_alone(followed: Following) -> None:
    await followed.hear(defined(), breached())
    review = await only_review(followed.service)
    assert (review["kpi"], review["objective_id"]) == (KPI, None)
    assert review["owner"] == {"kind": "team", "id": "quality"}
    assert review["breach"]["value"] == 61.5


async def test_a_review_of_a_kpi_alone_is_its_last_owner_s(followed: Following) -> None:
    terms = defined().model_dump() | {"definition": 2, "owner": Owner(kind="person", id="bob")}
    await followed.hear(defined(), KpiRedefined.model_validate(terms), breached())
    review = await only_review(followed.service)
    assert review["owner"] == {"kind": "person", "id": "bob"}


async def test_a_kpi_without_a_known_owner_is_reviewed_by_whom_it_is_assigned_to(
    followed: Following,
) -> None:
    await followed.hear(breached())
    review = await only_review(followed.service)
    assert review["owner"] is None
    path, bob = f"/reviews/{review['id']}", {"kind": "person", "id": "bob"}
    assigned = await followed.service.admin.done(f"{path}/assign", {"owner": bob}, version=1)
    assert assigned["owner"] == bob


async def test_a_breach_while_a_review_goes_on_opens_no_other(followed: Following) -> None:
    await followed.hear(defined())
    await followed.linked(await followed.service.active_cycle())
    await followed.hear(breached())
    await followed.hear(breached(day=1, status="amber"))
    await followed.hear(breached(day=2), breached(day=3))
    review = await only_review(followed.service)
    assert await topics(followed.service, review) == [OPENED]


async def test_a_breach_opens_no_review_beside_one_opened_by_hand(followed: Following) -> None:
    await followed.hear(defined())
    objective = await followed.linked(await followed.service.active_cycle())
    body = {
        "objective_id": objective["id"],
        "key_result_id": objective["key_results"][0]["id"],
        "concern": "It falls.",
    }
    by_hand = await followed.service.lead.done("/reviews", body)
    await followed.hear(breached())
    await followed.hear(recovered(day=2))
    review = await only_review(followed.service)
    assert (review["id"], review["state"]) == (by_hand["id"], "open")


async def test_a_recovery_proposes_to_close_the_review(followed: Following) -> None:
    await followed.hear(defined(), breached())
    (event,) = followed.metrics.say(recovered(day=2))
    await followed.apply([event])
    service, review = followed.service, await only_review(followed.service)
    assert review["state"] == "closing_proposed"
    assert review["recovery"]["event_id"] == str(event.id)
    entry = (await history(service, review))[-1]
    assert entry["actor"]["id"] == "cairn-goals-follower"
    assert entry["causation_id"] == str(event.id)
    await followed.hear(recovered(day=3))
    assert await topics(service, review) == [OPENED, PROPOSED]
    await close(service, review)
    await followed.hear(recovered(day=4))
    assert (await only_review(service))["state"] == "closed"


async def test_a_proposal_that_was_declined_is_not_made_again_for_the_same(
    followed: Following,
) -> None:
    await followed.hear(defined(), breached())
    await followed.hear(recovered(day=2))
    service, review = followed.service, await only_review(followed.service)
    declined = {"reason": "It was a sale."}
    await service.lead.done(f"/reviews/{review['id']}/reopen", declined, version=2)
    assert (await only_review(service))["state"] == "open"


async def test_another_breach_withdraws_the_proposal(followed: Following) -> None:
    await followed.hear(defined(), breached())
    await followed.hear(recovered(day=2))
    await followed.hear(breached(day=4))
    review = await only_review(followed.service)
    assert (review["state"], review["recovery"]) == ("open", None)
    assert review["breach"]["period_start"] == "2026-02-05T00:00:00Z"
    assert await topics(followed.service, review) == [OPENED, PROPOSED, WITHDRAWN]


async def test_all_of_it_in_one_batch_leads_to_the_same(followed: Following) -> None:
    await followed.hear(
        defined(), breached(), recovered(day=2), breached(day=4), recovered(day=6), measured(80)
    )
    review = await only_review(followed.service)
    assert await topics(followed.service, review) == [OPENED, PROPOSED, WITHDRAWN, PROPOSED]
    assert await followed_to(followed.service.goals.pool) == followed.metrics.events[-1].position


async def test_a_breach_after_closing_opens_a_new_review(followed: Following) -> None:
    await followed.hear(defined())
    await followed.linked(await followed.service.active_cycle())
    await followed.hear(breached())
    first = await only_review(followed.service)
    await close(followed.service, first)
    await followed.hear(breached(day=4))
    closed, opened = await reviews(followed.service)
    assert (closed["id"], closed["state"]) == (first["id"], "closed")
    assert (opened["state"], opened["key_result_id"]) == ("open", closed["key_result_id"])


async def test_what_is_unlinked_or_ended_meanwhile_is_reviewed_no_more(
    followed: Following,
) -> None:
    await followed.hear(defined())
    service = followed.service
    cycle = await service.active_cycle()
    unlinked, closed = await followed.linked(cycle), await followed.linked(cycle)
    await followed.hear(breached())
    opened = await reviews(service)
    lead = service.lead
    await lead.done(f"{key_result_path(unlinked)}/unlink", version=unlinked["version"])
    await lead.done(f"/objectives/{closed['id']}/close", version=closed["version"])
    await followed.hear(recovered(day=2))
    assert [each["state"] for each in await reviews(service)] == ["closing_proposed"] * 2
    for each in opened:
        review = (await service.reader.get(f"/reviews/{each['id']}")).json()
        await close(service, review)
    await followed.hear(breached(day=4))
    *_, last = await reviews(service)
    assert len(await reviews(service)) == 3
    assert (last["kpi"], last["objective_id"], last["state"]) == (KPI, None, "open")


async def test_a_kpi_moves_only_its_own_reviews(followed: Following) -> None:
    await followed.hear(defined(), defined("other"), breached(), breached(key="other"))
    await followed.hear(recovered(key="other", day=2))
    states = {each["kpi"]: each["state"] for each in await reviews(followed.service)}
    assert states == {KPI: "open", "other": "closing_proposed"}


async def test_a_batch_that_comes_again_opens_nothing(followed: Following) -> None:
    batch = followed.metrics.say(defined(), breached())
    await followed.apply(batch)
    review = await only_review(followed.service)
    with pytest.raises(CheckpointMovedError):
        await followed.apply(batch)
    await close(followed.service, review)
    with pytest.raises(CheckpointMovedError):
        await followed.apply(batch)
    assert len(await reviews(followed.service)) == 1


async def test_a_metrics_log_that_is_followed_anew_says_nothing_new(followed: Following) -> None:
    await followed.hear(defined(), breached(), recovered(day=2))
    service = followed.service
    await close(service, await only_review(service))
    await _rewind(service)
    await followed.apply(followed.metrics.events)
    assert (await only_review(service))["state"] == "closed"


async def test_many_reviews_are_opened_and_proposed_for_closing_in_bounded_commands(
    followed: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MAX_LINKS_PER_COMMAND", 2)
    await followed.hear(defined())
    cycle = await followed.service.active_cycle()
    linked = [await followed.linked(cycle) for _ in range(3)]
    commands = _counted(followed, monkeypatch)
    # Two measurements; one, and one review; two reviews; the end.
    await followed.hear(measured(60), breached())
    assert len(commands) == 4
    found = await reviews(followed.service)
    assert {each["objective_id"] for each in found} == {each["id"] for each in linked}
    await followed.hear(recovered(day=2))
    assert len(commands) == 6
    states = [each["state"] for each in await reviews(followed.service)]
    assert states == ["closing_proposed"] * 3


async def test_a_batch_cut_off_between_its_commands_is_finished_when_it_comes_again(
    followed: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MAX_LINKS_PER_COMMAND", 2)
    await followed.hear(defined())
    service = followed.service
    cycle = await service.active_cycle()
    for _ in range(3):
        await followed.linked(cycle)
    batch = followed.metrics.say(breached(), measured(60), recovered(day=2), breached(day=4))
    writer, submit = service.goals.writer, service.goals.writer.submit
    crashes = 0
    for lasting in count(1):
        monkeypatch.setattr(writer, "submit", _crashing_after(lasting, submit))
        reached = await followed_to(service.goals.pool)
        try:
            await followed.apply([each for each in batch if each.position > reached])
        except ConnectionError:
            crashes += 1
        else:
            break
    monkeypatch.setattr(writer, "submit", submit)
    assert crashes > 1
    found = await reviews(service)
    assert len(found) == 3
    for each in found:
        assert await topics(service, each) == [OPENED, PROPOSED, WITHDRAWN]


async def test_commands_whose_transaction_is_lost_record_the_same_in_another(
    followed: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MAX_LINKS_PER_COMMAND", 2)
    await followed.hear(defined())
    cycle = await followed.service.active_cycle()
    for _ in range(3):
        await followed.linked(cycle)
    run, runs = CommitGroup.run, count()

    def losing_every_other(self: CommitGroup, requests: Any) -> None:
        run(self, requests)
        if next(runs) % 2 == 0:
            raise OperationalError("lost")

    monkeypatch.setattr(CommitGroup, "run", losing_every_other)
    await followed.hear(measured(60), breached(), recovered(day=2))
    monkeypatch.setattr(CommitGroup, "run", run)
    found = await reviews(followed.service)
    assert len(found) == 3
    for each in found:
        assert await topics(followed.service, each) == [OPENED, PROPOSED]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_delivered_how_often_reviews_follow_the_log(
    followed: Following, seed: int
) -> None:
    chance = random.Random(seed)
    service, kpis = followed.service, ["a", "b"]
    await followed.hear(*(defined(kpi) for kpi in kpis))
    await followed.linked(await service.active_cycle(), "a")
    states: dict[str, list[str]] = {kpi: [] for kpi in kpis}
    for day in range(30):
        kpi, turn = chance.choice(kpis), chance.choice([breached, recovered])
        said: PublishedEvent = turn(key=kpi, day=day)
        followed.metrics.say(said)
        _expect(states[kpi], said.TYPE)
    for _ in range(40):
        start = chance.randrange(32)
        with suppress(CheckpointMovedError):
            await followed.apply(followed.metrics.events[start : start + chance.randint(1, 6)])
    reached = await followed_to(service.goals.pool)
    if rest := [each for each in followed.metrics.events if each.position > reached]:
        await followed.apply(rest)
    for each in await reviews(service):
        assert await topics(service, each) == states.pop(each["kpi"])
    assert not any(states.values())


async def test_breaches_and_recoveries_come_over_the_bus(
    starting: Starting, settings: GoalsSettings, nats_url: str
) -> None:
    on_the_bus = {"nats_url": SecretStr(nats_url)}
    bus = await Bus.connect(settings.model_copy(update=on_the_bus))
    published = await bus.client.subscribe("goals.review.>")
    await bus.ensure_stream(METRICS_STREAM)
    batch = Metrics().say(defined(), breached(), recovered(day=2))
    await bus.publish_in_order(
        METRICS_STREAM,
        [Message(event_subject(each.type, KPI), each.headers(), each.data) for each in batch],
        last_sequence=0,
    )
    async with asyncio.timeout(BOUND_SECONDS), starting(**on_the_bus) as service:
        types = []
        for _ in range(2):
            message = await published.next_msg(timeout=BOUND_SECONDS)
            event = CloudEvent.from_message(message.headers, message.data)
            types.append(event.type)
            assert message.subject == event_subject(event.type, event.subject)
        assert types == ["cairn.goals.review.opened.v1", "cairn.goals.review.closing_proposed.v1"]
        review = await only_review(service)
        assert (review["id"], review["state"]) == (event.subject, "closing_proposed")
    await bus.close()


async def test_a_measurement_beside_a_breach_is_recorded_with_it(followed: Following) -> None:
    await followed.hear(defined())
    objective = await followed.linked(await followed.service.active_cycle())
    await followed.hear(measured(61.5), breached())
    assert await followed.value(objective) == (61.5, "kpi")
    assert len(await reviews(followed.service)) == 1


def _expect(events: list[str], said: str) -> None:
    """What the review of a KPI that is never closed by hand comes to."""
    is_breach = said.endswith("breached.v1")
    if not events:
        events.extend([OPENED] if is_breach else [])
    elif is_breach and events[-1] == PROPOSED:
        events.append(WITHDRAWN)
    elif not is_breach and events[-1] != PROPOSED:
        events.append(PROPOSED)


def _crashing_after(commands: int, submit: Submit) -> Submit:
    left = iter(range(commands))

    async def crashing(command: Any) -> Any:
        answer = await submit(command)
        if next(left, None) is None:
            raise ConnectionError
        return answer

    return crashing


def _counted(followed: Following, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    commands: list[Any] = []
    submit = followed.service.goals.writer.submit

    async def noting(command: Any) -> Any:
        commands.append(command)
        return await submit(command)

    monkeypatch.setattr(followed.service.goals.writer, "submit", noting)
    return commands


async def _rewind(service: Service) -> None:
    async with service.goals.pool.connection() as connection:
        await connection.execute("UPDATE goals.follow_checkpoint SET position = 0")
