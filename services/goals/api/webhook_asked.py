"""A request about webhooks, as its headers tell it, and how its answer is made once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from starlette.responses import Response

from services.chassis.auth import Caller, require
from services.chassis.eventstore.http import RequestHash, respond
from services.chassis.eventstore.unit import Answer
from services.chassis.parameters import IdempotencyKey
from services.chassis.postgres import Connection
from services.goals.api.asked import ADMIN, SERVICE
from services.goals.webhooks.answers import RequestKey, answer_once
from services.goals.webhooks.runtime import Webhooks

T = TypeVar("T")

Administering = Annotated[Caller, Depends(require(ADMIN))]


async def _webhooks(request: Request) -> Webhooks:
    webhooks: Webhooks = request.app.state.webhooks
    return webhooks


RunningWebhooks = Annotated[Webhooks, Depends(_webhooks)]


@dataclass(frozen=True, slots=True)
class AskedOnce:
    """A request that is done once, however often it is sent under its key."""

    webhooks: Webhooks
    caller: Caller
    key: str | None
    request_hash: bytes

    async def run(self, change: Callable[[Connection], Awaitable[Answer]]) -> Response:
        """Make the change and keep its answer in one transaction, and answer it."""
        return await self.run_prepared(_nothing, lambda lent, _: change(lent))

    async def run_prepared(
        self,
        prepare: Callable[[], Awaitable[T]],
        change: Callable[[Connection, T], Awaitable[Answer]],
    ) -> Response:
        """The same, after something that takes too long to hold a transaction open for."""
        key = RequestKey(self.caller.id, self.key, self.request_hash)
        answer = await answer_once(self.webhooks.pool, key, prepare, change)
        return respond(answer, SERVICE)


async def _asked_once(
    webhooks: RunningWebhooks,
    caller: Administering,
    key: IdempotencyKey,
    request_hash: RequestHash,
) -> AskedOnce:
    return AskedOnce(webhooks, caller, key, request_hash)


async def _nothing() -> None:
    pass


ToDoOnce = Annotated[AskedOnce, Depends(_asked_once)]
