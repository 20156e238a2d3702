"""A command on its way in: who asks, under which key, for which version, and for what."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from starlette.responses import Response

from services.chassis.auth import Caller, require
from services.chassis.eventstore.context import Actor
from services.chassis.eventstore.http import RequestHash, respond
from services.chassis.eventstore.unit import Answer, Command, Unit
from services.chassis.parameters import IdempotencyKey, IfMatch
from services.chassis.telemetry import correlation_id
from services.metrics.runtime import Metrics

SERVICE = "metrics"

Reading = Annotated[Caller, Depends(require("kpis:read"))]
Writing = Annotated[Caller, Depends(require("kpis:write"))]
Producing = Annotated[Caller, Depends(require("readings:write"))]


async def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


Running = Annotated[Metrics, Depends(_metrics)]


@dataclass(frozen=True, slots=True)
class AskedCommand:
    """A request for a command, as its headers tell it."""

    metrics: Metrics
    caller: Caller
    key: str | None
    request_hash: bytes

    async def run(
        self, decide: Callable[[Unit], Answer], *, reason: str | None, touches: tuple[UUID, ...]
    ) -> Response:
        """Have the command decided and recorded, and answer it."""
        answer = await self.metrics.writer.submit(
            Command(
                decide=decide,
                actor=Actor(self.caller.id, self.caller.kind),
                correlation_id=correlation_id(),
                reason=reason,
                key=self.key,
                request_hash=self.request_hash,
                touches=touches,
            )
        )
        return respond(answer, SERVICE)


@dataclass(frozen=True, slots=True)
class AskedChange(AskedCommand):
    """A request to change a KPI, made for one version of it."""

    version: int


async def _asked_command(
    metrics: Running, caller: Writing, key: IdempotencyKey, request_hash: RequestHash
) -> AskedCommand:
    return AskedCommand(metrics, caller, key, request_hash)


async def _asked_change(
    metrics: Running,
    caller: Writing,
    key: IdempotencyKey,
    request_hash: RequestHash,
    version: IfMatch,
) -> AskedChange:
    return AskedChange(metrics, caller, key, request_hash, version)


ToCreate = Annotated[AskedCommand, Depends(_asked_command)]
ToChange = Annotated[AskedChange, Depends(_asked_change)]
