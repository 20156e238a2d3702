"""A command on its way in: who asks, under which key, for which version, and for what."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from starlette.responses import Response

from services.chassis.auth import Caller, require
from services.chassis.eventstore.context import Actor
from services.chassis.eventstore.http import RequestHash, respond
from services.chassis.eventstore.unit import Answer, Command, Unit
from services.chassis.parameters import IdempotencyKey, IfMatch
from services.chassis.telemetry import correlation_id
from services.goals.commands import Change
from services.goals.domain.authority import Authority
from services.goals.runtime import Goals

C = TypeVar("C", bound=Change)
L = TypeVar("L")

SERVICE = "goals"
ADMIN = "goals:admin"

Writing = Annotated[Caller, Depends(require("goals:write"))]
Reading = Annotated[Caller, Depends(require("goals:read"))]
Auditing = Annotated[Caller, Depends(require("audit:read"))]


async def _goals(request: Request) -> Goals:
    goals: Goals = request.app.state.goals
    return goals


Running = Annotated[Goals, Depends(_goals)]


@dataclass(frozen=True, slots=True)
class AskedCommand:
    """A request for a command, as its headers tell it."""

    goals: Goals
    caller: Caller
    key: str | None
    request_hash: bytes

    @property
    def by(self) -> Authority:
        """What the caller stands for."""
        return Authority(
            id=self.caller.id, teams=self.caller.teams, admin=ADMIN in self.caller.scopes
        )

    async def run(
        self,
        decide: Callable[[Unit], Answer],
        *,
        reason: str | None,
        effective_at: datetime | None = None,
        touches: tuple[UUID, ...] = (),
    ) -> Response:
        """Have the command decided and recorded, and answer it."""
        answer = await self.goals.writer.submit(
            Command(
                decide=decide,
                actor=Actor(self.caller.id, self.caller.kind),
                correlation_id=correlation_id(),
                reason=reason,
                effective_at=effective_at,
                key=self.key,
                request_hash=self.request_hash,
                touches=touches,
            )
        )
        return respond(answer, SERVICE)


@dataclass(frozen=True, slots=True)
class AskedChange(AskedCommand):
    """A request to change an aggregate, made for one version of it."""

    version: int

    async def change(
        self,
        use_case: Callable[[Unit, C], L],
        command: C,
        render: Callable[[Unit, L], Answer],
        *,
        reason: str | None,
        touches: tuple[UUID, ...] = (),
    ) -> Response:
        """Have a use case run with the command, and answer what it leads to."""
        return await self.run(
            lambda unit: render(unit, use_case(unit, command)),
            reason=reason,
            touches=(command.id, *touches),
        )


async def _asked_command(
    goals: Running, caller: Writing, key: IdempotencyKey, request_hash: RequestHash
) -> AskedCommand:
    return AskedCommand(goals, caller, key, request_hash)


async def _asked_change(
    goals: Running,
    caller: Writing,
    key: IdempotencyKey,
    request_hash: RequestHash,
    version: IfMatch,
) -> AskedChange:
    return AskedChange(goals, caller, key, request_hash, version)


ToCreate = Annotated[AskedCommand, Depends(_asked_command)]
ToChange = Annotated[AskedChange, Depends(_asked_change)]
