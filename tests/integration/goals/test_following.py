"""Following the metrics: measurements join the goals' history once, whatever comes again."""

import asyncio
import json
import random
from contextlib import suppress
from typing import Any

import pytest
from pydantic import SecretStr

from contracts.cloudevents import CloudEvent
from contracts.metrics import KpiRetired
from contracts.subjects import METRICS_STREAM, event_subject
from services.chassis.bus import Bus, Message
from services.chassis.postgres import connection
from services.goals import following
from services.goals.following import CheckpointMovedError, followed_to
from services.goals.settings import GoalsSettings
from tests.integration.goals.conftest import (
    COVERAGE,
    Service,
    Starting,
    check_ins,
    key_result_path,
    of,
    problem,
)
from tests.integration.goals.metrics_log import (
    CONTEXT,
    KPI,
    Following,
    Metrics,
    defined,
    followed_by,
    measured,
    redefined,
)

BOUND_SECONDS = 30


@pytest.fixture
def followed(service: Service) -> Following:
    return followed_by(service)


async def test_an_unknown_kpi_cannot_be_followed(followed: Following) -> None:
    objective = await followed.service.active_objective(await followed.service.active_cycle())
    response = await followed.service.lead.post(
        f"{key_result_path(objective)}/link", {"kpi": KPI}, version=3
    )
    assert problem(response) == (409, "kpi-unknown")
    assert response.json()["kpi"] == KPI


async def test_a_kpi_is_followed_before_it_has_a_value(followed: Following) -> None:
    await followed.hear(defined())
    objective = await followed.linked(await followed.service.active_cycle())
    assert objective["key_results"][0]["link"] == {"kpi": KPI, "reading": "period"}
    assert await followed.value(objective) == (None, "computed")
    await followed.hear(measured(80))
    assert await followed.value(objective) == (80, "kpi")


async def test_a_measurement_is_the_follower_s_and_part_of_the_metrics_story(
    followed: Following,
) -> None:
    await followed.hear(defined())
    objective = await followed.linked(await followed.service.active_cycle())
    (event,) = followed.metrics.say(measured(80))
    await followed.apply([event])
    entry = (await followed.history(objective))[-1]
    assert entry["actor"] == {"id": "cairn-goals-follower", "kind": "automation"}
    assert entry["correlation_id"] == CONTEXT.correlation_id
    assert entry["causation_id"] == str(event.id)
    assert entry["sentence"].startswith(
        "cairn-goals-follower measured 80 % on “Test coverage” by the KPI quality.coverage"
    )
    key_result = (await followed.shown(objective))["key_results"][0]
    assert key_result["measurement"]["metrics_position"] == event.position
    assert key_result["position"] == entry["position"]
    assert key_result["as_of"] == "2026-02-02T00:00:00Z"


async def test_a_key_result_is_measured_at_once_when_it_is_linked(followed: Following) -> None:
    await followed.hear(defined(), measured(80))
    objective = await followed.linked(await followed.service.active_cycle())
    assert objective["key_results"][0]["value"] == 80
    linked, measurement = (await followed.history(objective))[-2:]
    assert linked["actor"]["id"] == "lea"
    assert measurement["actor"]["id"] == "cairn-goals-follower"
    assert measurement["command_id"] == linked["command_id"]


async def test_a_link_takes_the_latest_reading_if_asked(followed: Following) -> None:
    await followed.hear(defined(), measured(80, latest=84))
    cycle = await followed.service.active_cycle()
    objective = await followed.linked(cycle, reading="latest")
    assert await followed.value(objective) == (84, "kpi")


async def test_a_draft_is_measured_when_it_is_activated(followed: Following) -> None:
    await followed.hear(defined(), measured(80))
    cycle = await followed.service.active_cycle()
    drafted = await followed.service.draft(cycle, COVERAGE)
    path = key_result_path(drafted)
    lead = followed.service.lead
    drafted = await lead.done(f"{path}/link", {"kpi": KPI}, version=2)
    await followed.hear(measured(85, day=1))
    assert await followed.value(drafted) == (None, "computed")
    activated = await lead.done(f"/objectives/{drafted['id']}/activate", version=drafted["version"])
    assert activated["key_results"][0]["value"] == 85


async def test_a_batch_measures_once_with_the_last_value(followed: Following) -> None:
    await followed.hear(defined())
    objective = await followed.linked(await followed.service.active_cycle())
    before = len(await followed.history(objective))
    await followed.hear(measured(80), measured(81), measured(82), measured(10, day=-1))
    assert await followed.value(objective) == (82, "kpi")
    assert len(await followed.history(objective)) == before + 1


async def test_the_same_value_again_is_not_recorded(followed: Following) -> None:
    await followed.hear(defined())
    objective = await followed.linked(await followed.service.active_cycle())
    await followed.hear(measured(80))
    before = len(await followed.history(objective))
    await followed.hear(measured(80))
    await followed.hear(measured(80, day=1))
    assert len(await followed.history(objective)) == before


async def test_an_override_holds_until_the_next_measurement(followed: Following) -> None:
    await followed.hear(defined(), measured(80))
    objective = await followed.linked(await followed.service.active_cycle())
    lead, path = followed.service.lead, check_ins(objective)
    refused = await lead.post(path, {"value": 50}, version=objective["version"])
    assert problem(refused) == (422, "override-reason-required")
    said = {"value": 50, "reason": "The probe is broken."}
    await lead.done(path, said, version=objective["version"])
    assert await followed.value(objective) == (50, "manual")
    await followed.hear(measured(80))
    assert await followed.value(objective) == (80, "kpi")


async def test_what_is_unlinked_or_closed_is_measured_no_more(followed: Following) -> None:
    await followed.hear(defined(), measured(80))
    cycle = await followed.service.active_cycle()
    unlinked, closed = await followed.linked(cycle), await followed.linked(cycle)
    lead = followed.service.lead
    await lead.done(f"{key_result_path(unlinked)}/unlink", version=5)
    await lead.done(f"/objectives/{closed['id']}/close", version=5)
    await followed.hear(measured(85))
    assert await followed.value(unlinked) == (80, "kpi")
    assert await followed.value(closed) == (80, "kpi")
    again = await lead.post(f"{key_result_path(unlinked)}/unlink", version=6)
    assert problem(again) == (409, "not-linked")


async def test_a_key_result_follows_one_kpi_that_lives(followed: Following) -> None:
    retired = KpiRetired(context=CONTEXT, key="old")
    await followed.hear(defined(), defined("old"), retired)
    cycle = await followed.service.active_cycle()
    objective = await followed.linked(cycle)
    lead = followed.service.lead
    twice = await lead.post(f"{key_result_path(objective)}/link", {"kpi": KPI}, version=4)
    assert problem(twice) == (409, "already-linked")
    other = await followed.service.active_objective(cycle)
    dead = await lead.post(f"{key_result_path(other)}/link", {"kpi": "old"}, version=3)
    assert problem(dead) == (409, "kpi-retired")
    garbled = await lead.post(f"{key_result_path(other)}/link", {"kpi": "A B"}, version=3)
    assert problem(garbled) == (422, "invalid-request")


async def test_a_retired_kpi_lets_go_of_what_is_not_ended(followed: Following) -> None:
    await followed.hear(defined(), measured(80))
    cycle = await followed.service.active_cycle()
    active, closed = await followed.linked(cycle), await followed.linked(cycle)
    await followed.service.lead.done(f"/objectives/{closed['id']}/close", version=5)
    batch = followed.metrics.say(measured(85), KpiRetired(context=CONTEXT, key=KPI))
    await followed.apply(batch)
    key_result = (await followed.shown(active))["key_results"][0]
    assert (key_result["link"], key_result["value"]) == (None, 85)
    assert key_result["check_in_due_at"] is not None
    entry = (await followed.history(active))[-1]
    assert entry["sentence"] == (
        "cairn-goals-follower had “Test coverage” no longer follow the KPI quality.coverage. "
        "Reason: The KPI quality.coverage was retired."
    )
    assert entry["causation_id"] == str(batch[1].id)
    assert (await followed.shown(closed))["key_results"][0]["link"] is not None


async def test_a_closed_cycle_is_measured_only_by_a_correction(followed: Following) -> None:
    await followed.hear(defined(), measured(80))
    service = followed.service
    cycle = await service.active_cycle()
    objective = await followed.linked(cycle)
    await service.moved(cycle, "start-scoring")
    await followed.hear(measured(81))
    assert await followed.value(objective) == (81, "kpi")
    await service.moved(cycle, "close")
    before = len(await followed.history(objective))
    await followed.hear(measured(84, latest=85))
    assert len(await followed.history(objective)) == before
    latest = {"kpi": KPI, "reading": "latest", "reason": "The period was cut too short."}
    await service.changed(objective, of(objective, "link"), latest)
    assert await followed.value(objective) == (85, "kpi")
    corrections = (await followed.history(objective))[before:]
    assert {each["after_closing"] for each in corrections} == {True}
    await service.moved(cycle, "reopen")
    await followed.hear(measured(86, latest=87))
    assert await followed.value(objective) == (87, "kpi")
    assert (await followed.history(objective))[-1]["after_closing"] is False


async def test_a_reopened_cycle_catches_up_with_its_kpis(followed: Following) -> None:
    await followed.hear(defined(), measured(80))
    service = followed.service
    cycle, other = await service.active_cycle(), await service.active_cycle()
    objective, elsewhere = await followed.linked(cycle), await followed.linked(other)
    for each in (cycle, other):
        await service.moved(each, "start-scoring", "close")
    await followed.hear(measured(84))
    assert await followed.value(objective) == (80, "kpi")
    await service.moved(cycle, "reopen")
    assert await followed.value(objective) == (84, "kpi")
    entry = (await followed.history(objective))[-1]
    assert (entry["actor"]["id"], entry["reason"]) == ("cairn-goals-follower", None)
    assert entry["after_closing"] is False
    assert await followed.value(elsewhere) == (80, "kpi")


async def test_a_kpi_that_was_retired_meanwhile_lets_go_when_work_goes_on(
    followed: Following,
) -> None:
    await followed.hear(defined(), measured(80))
    objective = await followed.linked(await followed.service.active_cycle())
    lead, path = followed.service.lead, f"/objectives/{objective['id']}"
    await lead.done(f"{path}/abandon", {"reason": "It was sold."}, version=5)
    await followed.hear(KpiRetired(context=CONTEXT, key=KPI))
    assert (await followed.shown(objective))["key_results"][0]["link"] is not None
    reopened = await lead.done(f"{path}/reopen", {"reason": "It was not."}, version=6)
    assert reopened["key_results"][0]["link"] is None


async def test_a_retired_kpi_lets_go_in_a_closed_cycle_as_well(followed: Following) -> None:
    await followed.hear(defined(), measured(80))
    cycle = await followed.service.active_cycle()
    objective = await followed.linked(cycle)
    await followed.service.moved(cycle, "start-scoring", "close")
    await followed.hear(measured(85), KpiRetired(context=CONTEXT, key=KPI))
    key_result = (await followed.shown(objective))["key_results"][0]
    assert (key_result["link"], key_result["value"]) == (None, 80)
    assert (await followed.history(objective))[-1]["after_closing"] is True


async def test_a_redefined_kpi_measures_on_and_says_by_which_definition(
    followed: Following,
) -> None:
    await followed.hear(defined(), measured(80))
    objective = await followed.linked(await followed.service.active_cycle())
    await followed.hear(redefined(), measured(812, definition=2), measured(81, day=1))
    key_result = (await followed.shown(objective))["key_results"][0]
    assert (key_result["value"], key_result["measurement"]["definition"]) == (812, 2)


async def test_a_link_to_another_kpi_takes_the_place_of_the_first(followed: Following) -> None:
    await followed.hear(defined(), defined("other"), measured(80), measured(60, key="other"))
    objective = await followed.linked(await followed.service.active_cycle())
    path = key_result_path(objective)
    moved = await followed.service.lead.done(f"{path}/link", {"kpi": "other"}, version=5)
    assert moved["key_results"][0]["link"] == {"kpi": "other", "reading": "period"}
    assert moved["key_results"][0]["value"] == 60
    await followed.hear(measured(90))
    assert await followed.value(objective) == (60, "kpi")


async def test_what_is_measured_puts_no_change_out_of_date(followed: Following) -> None:
    await followed.hear(defined(), measured(80))
    objective = await followed.linked(await followed.service.active_cycle())
    await followed.hear(measured(85))
    await followed.hear(measured(86))
    assert (await followed.shown(objective))["version"] > objective["version"]
    path = f"/objectives/{objective['id']}/revise"
    lead = followed.service.lead
    await lead.done(path, {"title": "Fewer bugs"}, version=objective["version"])
    again = await lead.post(path, {"title": "No bugs"}, version=objective["version"])
    assert problem(again) == (412, "precondition-failed")


async def test_a_batch_that_does_not_follow_the_checkpoint_is_refused(
    followed: Following,
) -> None:
    first = followed.metrics.say(defined(), measured(80))
    await followed.apply(first)
    objective = await followed.linked(await followed.service.active_cycle())
    second = followed.metrics.say(measured(85))
    third = followed.metrics.say(measured(90))
    for batch in (first, third):
        with pytest.raises(CheckpointMovedError):
            await followed.apply(batch)
    assert await followed.value(objective) == (80, "kpi")
    await followed.apply(second)
    await followed.apply(third)
    assert await followed.value(objective) == (90, "kpi")


async def test_an_event_that_breaks_its_contract_does_not_stop_the_others(
    followed: Following,
) -> None:
    await followed.hear(defined())
    objective = await followed.linked(await followed.service.active_cycle())
    batch = followed.metrics.say(measured(80), measured(85))
    broken = CloudEvent(
        **{name: getattr(batch[0], name) for name in batch[0].__dataclass_fields__}
        | {"data": b"{}"}
    )
    await followed.apply([broken, batch[1]])
    assert await followed.value(objective) == (85, "kpi")


async def test_many_links_are_measured_in_bounded_commands(
    followed: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MAX_LINKS_PER_COMMAND", 2)
    await followed.hear(defined())
    cycle = await followed.service.active_cycle()
    linked = [await followed.linked(cycle) for _ in range(5)]
    commands: list[Any] = []
    submit = followed.service.goals.writer.submit

    async def noting(command: Any) -> Any:
        commands.append(command)
        return await submit(command)

    monkeypatch.setattr(followed.service.goals.writer, "submit", noting)
    await followed.hear(measured(80))
    assert [await followed.value(each) for each in linked] == [(80, "kpi")] * 5
    assert len(commands) == 3


async def test_a_batch_cut_off_between_its_commands_is_finished_when_it_comes_again(
    followed: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MAX_LINKS_PER_COMMAND", 2)
    await followed.hear(defined())
    cycle = await followed.service.active_cycle()
    linked = [await followed.linked(cycle) for _ in range(3)]
    writer, submit = followed.service.goals.writer, followed.service.goals.writer.submit
    batch = followed.metrics.say(measured(80))

    async def crashing(command: Any) -> Any:
        await submit(command)
        raise ConnectionError

    monkeypatch.setattr(writer, "submit", crashing)
    with pytest.raises(ConnectionError):
        await followed.apply(batch)
    monkeypatch.setattr(writer, "submit", submit)
    assert sorted([(await followed.value(each))[0] or 0 for each in linked]) == [0, 80, 80]
    await followed.apply(batch)
    assert [await followed.value(each) for each in linked] == [(80, "kpi")] * 3
    measurements = [
        [each["topic"] for each in await followed.history(objective)].count(
            "goals.key_result.measured"
        )
        for objective in linked
    ]
    assert measurements == [1, 1, 1]


async def test_linking_waits_for_the_metrics_that_it_names(followed: Following) -> None:
    objective = await followed.service.active_objective(await followed.service.active_cycle())
    batch = followed.metrics.say(defined(), measured(80))
    linking = asyncio.create_task(
        followed.service.lead.post(
            f"{key_result_path(objective)}/link",
            {"kpi": KPI},
            version=3,
            headers={"Cairn-Min-Position": f"goals:1, metrics:{batch[-1].position}"},
        )
    )
    await followed.apply(batch)
    response = await linking
    assert response.json()["key_results"][0]["value"] == 80


async def test_linking_does_not_wait_for_ever(
    followed: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MAX_WAIT_SECONDS", 0.05)
    objective = await followed.service.active_objective(await followed.service.active_cycle())
    path = f"{key_result_path(objective)}/link"
    lead = followed.service.lead
    late = await lead.post(
        path, {"kpi": KPI}, version=3, headers={"Cairn-Min-Position": "metrics:99"}
    )
    assert problem(late) == (503, "metrics-not-followed-yet")
    assert late.headers["retry-after"] == "1"
    assert (late.json()["wanted_position"], late.json()["reached_position"]) == (99, 0)
    garbled = await lead.post(
        path, {"kpi": KPI}, version=3, headers={"Cairn-Min-Position": "metrics"}
    )
    assert problem(garbled) == (400, "invalid-header")


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_redelivered_or_reordered_the_outcome_is_the_same(
    followed: Following, seed: int
) -> None:
    chance = random.Random(seed)
    kpis = ["a", "b", "c"]
    await followed.hear(*(defined(kpi) for kpi in kpis))
    cycle = await followed.service.active_cycle()
    linked = {kpi: await followed.linked(cycle, kpi) for kpi in kpis}
    newest: dict[str, tuple[int, float]] = {}
    for _ in range(30):
        kpi, day, value = chance.choice(kpis), chance.randrange(4), float(chance.randrange(100))
        followed.metrics.say(measured(value, key=kpi, day=day))
        if day >= newest.get(kpi, (0, 0.0))[0]:
            newest[kpi] = (day, value)
    for _ in range(40):
        start = chance.randrange(33)
        with suppress(CheckpointMovedError):
            await followed.apply(followed.metrics.events[start : start + chance.randint(1, 6)])
    reached = await followed_to(followed.service.goals.pool)
    rest = [each for each in followed.metrics.events if each.position > reached]
    if rest:
        await followed.apply(rest)
    for kpi, objective in linked.items():
        assert await followed.value(objective) == (newest[kpi][1], "kpi")
        heard = [
            change["after"]
            for entry in await followed.history(objective)
            for change in entry["changes"]
            if change["path"].endswith("/measurement/metrics_position")
        ]
        assert heard == sorted(set(heard))


async def test_the_service_follows_the_bus_and_publishes_its_log(
    starting: Starting, settings: GoalsSettings, nats_url: str
) -> None:
    on_the_bus = {"nats_url": SecretStr(nats_url)}
    bus = await Bus.connect(settings.model_copy(update=on_the_bus))
    published = await bus.client.subscribe("goals.>")
    await bus.ensure_stream(METRICS_STREAM)
    batch = Metrics().say(defined(), measured(80))
    await bus.publish_in_order(
        METRICS_STREAM,
        [Message(event_subject(each.type, KPI), each.headers(), each.data) for each in batch],
        last_sequence=0,
    )
    async with asyncio.timeout(BOUND_SECONDS), starting(**on_the_bus) as service:
        objective = await service.active_objective(await service.active_cycle())
        linked = await service.lead.done(
            f"{key_result_path(objective)}/link",
            {"kpi": KPI},
            version=3,
            headers={"Cairn-Min-Position": f"metrics:{batch[-1].position}"},
        )
        assert linked["key_results"][0]["value"] == 80
        log = (await service.auditor.get("/events")).json()["items"]
        for logged in log:
            message = await published.next_msg(timeout=BOUND_SECONDS)
            event = CloudEvent.from_message(message.headers, message.data)
            assert (str(event.id), event.type) == (logged["id"], logged["type"])
            assert (event.position, event.previous_position) == (
                logged["position"],
                logged["position"] - 1,
            )
            assert json.loads(event.data) == logged["data"]
            assert message.subject == event_subject(event.type, logged["subject"])
    await bus.close()


async def test_readers_who_hold_every_connection_keep_nothing_from_being_published(
    starting: Starting, settings: GoalsSettings, nats_url: str
) -> None:
    on_the_bus = {"nats_url": SecretStr(nats_url)}
    bus = await Bus.connect(settings.model_copy(update=on_the_bus))
    published = await bus.client.subscribe("goals.>")
    async with (
        asyncio.timeout(BOUND_SECONDS),
        starting(**on_the_bus, database_pool_size=1) as service,
        connection(service.goals.pool),
    ):
        await service.active_cycle()
        message = await published.next_msg(timeout=BOUND_SECONDS)
    assert message.subject.endswith(".planned")
    await bus.close()
