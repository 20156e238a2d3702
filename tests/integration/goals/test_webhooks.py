"""Webhooks are configured: who may, what is refused, what is shown, and what is done once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.integration.goals.conftest import Json, Service, Starting, problem
from tests.integration.goals.webhook_calls import PLANNED, patch, plan, shown, webhook

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
# Nobody listens there; nothing is sent in these tests but by request.
URL = "http://127.0.0.1:9/hook"
NOWHERE = "/webhooks/00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def service(starting: Starting) -> AsyncIterator[Service]:
    async with starting(webhook_private_hosts=True) as started:
        yield started


def body(**changes: Any) -> Json:
    return {"url": URL, "event_types": [PLANNED], **changes}


async def test_a_webhook_is_made_and_shown_without_its_secret(service: Service) -> None:
    await plan(service, 2)
    response = await service.admin.post("/webhooks", body(description="Front page"))
    made = response.json()
    assert response.status_code == 201
    assert response.headers["etag"] == '"1"'
    assert response.headers["location"] == f"/v1/webhooks/{made['id']}"
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert secret.rstrip("=").endswith(made["secret_hint"])
    assert len(made["secret_hint"]) == 4
    assert made["description"] == "Front page"
    assert made["position"] == 2
    assert made["created_by"] == "root"

    listed = await service.admin.get("/webhooks")
    one = await service.admin.get(f"/webhooks/{made['id']}")
    assert listed.json() == {"items": [made], "next": None}
    assert one.json() == made
    assert one.headers["etag"] == '"1"'
    assert secret not in listed.text + one.text


async def test_a_given_secret_is_taken(service: Service) -> None:
    made = await webhook(service, URL, secret=SECRET)
    assert made["secret"] == SECRET
    assert made["secret_hint"] == "b7oD"


async def test_webhooks_are_listed_in_pages(service: Service) -> None:
    made = [(await webhook(service, URL))["id"] for _ in range(3)]
    first = (await service.admin.get("/webhooks", limit=2)).json()
    second = (await service.admin.get("/webhooks", limit=2, cursor=first["next"])).json()
    assert [each["id"] for each in first["items"] + second["items"]] == made
    assert second["next"] is None


async def test_only_administrators_have_to_do_with_webhooks(service: Service) -> None:
    made = await webhook(service, URL)
    path = f"/webhooks/{made['id']}"
    for caller in (service.lead, service.auditor):
        for response in (
            await caller.get("/webhooks"),
            await caller.get(path),
            await caller.get(f"{path}/deliveries"),
            await caller.post("/webhooks", body()),
            await caller.post(f"{path}/test"),
            await caller.post(f"{path}/resend-failed"),
            await caller.post(f"{path}/rotate-secret", version=1),
            await caller.patch(path, {}, version=1),
            await caller.delete(path, version=1),
        ):
            assert problem(response) == (403, "missing-scope")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"event_types": []}, "invalid-request"),
        ({"event_types": None}, "invalid-request"),
        ({"event_types": ["Cairn"]}, "invalid-request"),
        ({"event_types": [PLANNED] * 101}, "invalid-request"),
        ({"event_types": [PLANNED, "cairn.metrics.kpi.*"]}, "unknown-event-type"),
        ({"event_types": ["cairn.goals.cycle.planed.v1"]}, "unknown-event-type"),
        ({"event_type": PLANNED}, "invalid-request"),
        ({"url": "ftp://example.com/"}, "webhook-destination"),
        ({"url": "https://root:pass@example.com/"}, "webhook-destination"),
        ({"url": "https://nowhere.invalid/"}, "webhook-destination"),
        ({"url": "https://xn--/"}, "webhook-destination"),
        ({"url": "https://xn--99999.com/"}, "webhook-destination"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "webhook-destination"),
        ({"url": "http://0.0.0.0/"}, "webhook-destination"),
        ({"url": "http://8.8.8.8/"}, "webhook-destination"),
        ({"url": "http://127.0.0.1/" + "x" * 2_000}, "invalid-request"),
        ({"secret": "whsec_short"}, "webhook-secret"),
        ({"secret": "hush"}, "webhook-secret"),
        ({"position": 1}, "position-beyond-log"),
        ({"position": -1}, "invalid-request"),
        ({"enabled": "yes"}, "invalid-request"),
    ],
)
async def test_what_makes_no_webhook_is_refused(
    service: Service, changes: Json, expected: str
) -> None:
    response = await service.admin.post("/webhooks", body(**changes))
    assert problem(response) == (422, expected)
    for secret in ("pass@", "whsec_short", "hush"):
        assert secret not in response.text
    assert (await service.admin.get("/webhooks")).json()["items"] == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1]/",
        "https://169.254.169.254/",
        "https://0.0.0.0/",
    ],
)
async def test_hosts_of_the_own_network_are_refused_unless_allowed(
    starting: Starting, url: str
) -> None:
    async with starting() as service:
        refused = await service.admin.post("/webhooks", body(url=url))
        assert problem(refused) == (422, "webhook-destination")


async def test_a_change_is_made_for_a_version(service: Service) -> None:
    made = await webhook(service, URL)
    changed = await patch(
        service, made, 1, {"url": f"{URL}/2", "event_types": ["cairn.goals.*"], "enabled": False}
    )
    assert changed.status_code == 200
    assert changed.headers["etag"] == '"2"'
    document = changed.json()
    assert document["url"] == f"{URL}/2"
    assert document["event_types"] == ["cairn.goals.*"]
    assert document["disabled_because"] == "asked"
    assert document == await shown(service.admin, made)

    path = f"/webhooks/{made['id']}"
    for response, expected in (
        (await patch(service, made, 1, {"enabled": True}), (412, "precondition-failed")),
        (await service.admin.patch(path, {}), (428, "precondition-required")),
        (await service.admin.delete(path), (428, "precondition-required")),
        (await service.admin.delete(path, version=1), (412, "precondition-failed")),
        (await service.admin.post(f"{path}/rotate-secret"), (428, "precondition-required")),
        (
            await service.admin.post(f"{path}/rotate-secret", version=1),
            (412, "precondition-failed"),
        ),
        (await patch(service, made, 2, {"event_types": ["none"]}), (422, "unknown-event-type")),
        (await patch(service, made, 2, {"url": "ftp://x/"}), (422, "webhook-destination")),
        (await patch(service, made, 2, {"position": 1}), (422, "position-beyond-log")),
    ):
        assert problem(response) == expected
    assert document == await shown(service.admin, made)


async def test_a_rotated_secret_is_shown_once(service: Service) -> None:
    made = await webhook(service, URL)
    path = f"/webhooks/{made['id']}"
    response = await service.admin.post(f"{path}/rotate-secret", {"secret": SECRET}, version=1)
    rotated = response.json()
    assert rotated.pop("secret") == SECRET
    assert rotated["secret_hint"] == "b7oD"
    assert rotated["previous_secret_until"] > rotated["updated_at"]
    assert rotated["version"] == 2
    assert rotated == await shown(service.admin, made)


async def test_what_is_not_there_is_not_found(service: Service) -> None:
    made = await webhook(service, URL)
    nothing = f"/webhooks/{made['id']}/deliveries/{made['id']}"
    for response in (
        await service.admin.get(NOWHERE),
        await service.admin.get(f"{NOWHERE}/deliveries"),
        await service.admin.get(nothing),
        await service.admin.patch(NOWHERE, {}, version=1),
        await service.admin.delete(NOWHERE, version=1),
        await service.admin.post(f"{NOWHERE}/test"),
        await service.admin.post(f"{NOWHERE}/resend-failed"),
        await service.admin.post(f"{NOWHERE}/rotate-secret", version=1),
        await service.admin.post(f"{nothing}/resend"),
    ):
        assert problem(response) == (404, "not-found")


async def test_a_key_makes_one_webhook_and_shows_its_secret_again(service: Service) -> None:
    first = await service.admin.post("/webhooks", body(), key="k")
    again = await service.admin.post("/webhooks", body(), key="k")
    assert again.status_code == 201
    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert len((await service.admin.get("/webhooks")).json()["items"]) == 1

    reused = await service.admin.post("/webhooks", body(description="Other"), key="k")
    assert problem(reused) == (422, "idempotency-key-reused")
    other = service.caller("other", "goals:admin")
    assert (await other.post("/webhooks", body(), key="k")).json()["id"] != first.json()["id"]


async def test_a_refused_request_does_not_use_its_key_up(service: Service) -> None:
    refused = await service.admin.post("/webhooks", body(position=1), key="k")
    assert problem(refused) == (422, "position-beyond-log")
    await plan(service)
    assert (await service.admin.post("/webhooks", body(position=1), key="k")).status_code == 201


async def test_of_requests_at_once_under_one_key_one_takes_effect(service: Service) -> None:
    responses = await asyncio.gather(
        *(service.admin.post("/webhooks", body(), key="k") for _ in range(8))
    )
    done = [each for each in responses if each.status_code == 201]
    assert len({each.content for each in done}) == 1
    refused = [each for each in responses if each.status_code != 201]
    assert {problem(each) for each in refused} <= {(409, "command-in-flight")}
    assert len((await service.admin.get("/webhooks")).json()["items"]) == 1


async def test_there_are_only_so_many_webhooks(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.goals.webhooks.persistence.MAX_WEBHOOKS", 3)
    responses = await asyncio.gather(*(service.admin.post("/webhooks", body()) for _ in range(6)))
    assert sorted(each.status_code for each in responses) == [201] * 3 + [409] * 3
    refused = next(each for each in responses if each.status_code == 409)
    assert problem(refused) == (409, "too-many-webhooks")


async def test_what_is_stored_of_a_secret_never_reaches_the_log(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    made = await webhook(service, f"{URL}?token=t0p", secret=SECRET)
    await service.admin.done(f"/webhooks/{made['id']}/test")
    await patch(service, made, 1, {"url": "ftp://x?token=t0p"})
    written = capsys.readouterr()
    assert SECRET not in written.out + written.err
    assert "t0p" not in written.out + written.err
