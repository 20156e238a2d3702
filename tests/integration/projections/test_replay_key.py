"""Replaying takes an Idempotency-Key as every change does, though it needs none."""

import pytest

from tests.integration.goals.conftest import problem
from tests.integration.projections.conftest import Caller, Service

REPLAY = "/parked-aggregates/nobody/replay"


def with_key(service: Service, key: str, scope: str = "projections:admin") -> Caller:
    headers = service._issuer.headers("rea", scope)
    return Caller(service._client, {**headers, "Idempotency-Key": key})


async def test_a_key_changes_nothing(service: Service) -> None:
    caller = with_key(service, "replay-1")
    answers = [
        await caller.post(REPLAY),
        await caller.post(REPLAY),
        await service.admin.post(REPLAY),
    ]
    assert [problem(each) for each in answers] == [(404, "not-found")] * 3


@pytest.mark.parametrize("key", ["", "two words", "k" * 201])
async def test_a_malformed_key_is_refused(service: Service, key: str) -> None:
    assert problem(await with_key(service, key).post(REPLAY)) == (400, "invalid-header")


async def test_who_may_not_replay_is_told_so_first(service: Service) -> None:
    caller = with_key(service, "two words", scope="projections:read")
    assert problem(await caller.post(REPLAY)) == (403, "missing-scope")
