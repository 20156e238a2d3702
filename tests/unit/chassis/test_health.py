import asyncio

import pytest
from structlog.testing import capture_logs

from services.chassis import health
from services.chassis.health import Drain, assess
from tests.unit.chassis.conftest import AppFactory, calling

SECRET = "password=hunter2"


async def well() -> None:
    return


async def ill() -> None:
    raise ConnectionError(SECRET)


async def stuck() -> None:
    await asyncio.Event().wait()


async def test_a_process_that_answers_is_alive_even_when_nothing_else_works(
    make_app: AppFactory,
) -> None:
    app = make_app()
    app.state.checks["database"] = ill
    async with calling(app) as client:
        answer = await client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_a_service_is_ready_when_everything_it_needs_is_well(make_app: AppFactory) -> None:
    app = make_app()
    app.state.checks["database"] = well
    async with calling(app) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"keys": "ok", "database": "ok"}}


async def test_what_is_missing_is_named_without_its_secrets(make_app: AppFactory) -> None:
    app = make_app()
    app.state.checks |= {"database": ill, "bus": well}
    async with calling(app) as client:
        with capture_logs() as lines:
            answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not_ready",
        "checks": {"keys": "ok", "database": "failed", "bus": "ok"},
    }
    assert lines[0]["event"] == "check_failed"
    assert lines[0]["reason"] == f"ConnectionError: {SECRET}"


async def test_checks_run_together_and_each_within_its_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.05)
    async with asyncio.timeout(0.05 * 5):
        report = await assess({f"c{number}": stuck for number in range(20)}, Drain())
    assert set(report.checks.values()) == {"failed"}


async def test_those_who_ask_at_once_share_one_run_of_the_checks(make_app: AppFactory) -> None:
    asked = 0

    async def counting() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)

    app = make_app()
    app.state.checks["database"] = counting
    async with calling(app) as client:
        answers = await asyncio.gather(*(client.get("/readyz") for _ in range(20)))
        assert asked == 1
        await client.get("/readyz")
    assert {answer.status_code for answer in answers} == {200}
    assert asked == 2


async def test_a_stopping_service_is_not_ready(make_app: AppFactory) -> None:
    app = make_app()
    app.state.drain.begin()
    async with calling(app) as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "draining")


async def test_whoever_waits_for_the_end_is_told() -> None:
    drain = Drain()
    waiting = asyncio.create_task(drain.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    drain.begin()
    async with asyncio.timeout(1):
        await waiting


async def test_measurements_are_in_the_text_format_and_of_this_application_alone(
    make_app: AppFactory,
) -> None:
    first, second = make_app(), make_app()
    async with calling(first) as client:
        await client.get("/livez")
    async with calling(second) as client:
        answer = await client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert "process_cpu_seconds_total" in answer.text
    assert "/livez" not in answer.text
