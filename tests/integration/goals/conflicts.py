"""Callers who want different things of the same objectives at once, and a ledger of it all."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.integration.goals.conftest import COVERAGE, Json, Service, problem

# What such callers may be refused for. Whatever else they meet is a mistake.
REFUSALS = {
    "alignment-circle",
    "already-aligned",
    "check-in-not-found",
    "command-in-flight",
    "key-result-not-found",
    "last-key-result",
    "not-aligned",
    "nothing-changes",
    "nothing-to-score",
    "objective-state",
    "precondition-failed",
    "too-many-alignments",
    "too-many-key-results",
    "parent-closed",
    "key-result-has-children",
    "already-carried-over",
    "nothing-to-carry-over",
    "not-approved",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A command that a caller wants to send; `version` is None where it takes none."""

    path: str
    body: Json
    version: int | None


@dataclass(frozen=True, slots=True)
class Done:
    """A command that was acknowledged, and the versions that it says it led to, by objective."""

    wish: Wish
    versions: dict[str, int]


@dataclass(slots=True)
class Ledger:
    """What became of every command, by the mark that it was sent with as its reason."""

    done: dict[str, Done] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Rivals:
    """Callers of several processes who change the same objectives."""

    services: Sequence[Service]
    cycles: tuple[Json, Json]
    ids: list[str]
    ledger: Ledger = field(default_factory=Ledger)

    async def act(self, number: int, commands: int) -> None:
        """One caller's commands, one after the other, by chance."""
        chance = random.Random(number)
        for count in range(commands):
            mark = f"caller-{number}-command-{count}"
            service = self.services[(number + count) % len(self.services)]
            wish = await self._wish(service, chance)
            sent = Wish(wish.path, {**wish.body, "reason": mark}, wish.version)
            # Who hears nothing asks again, and maybe elsewhere.
            asked = self.services if chance.random() < 0.2 else [service]
            await self._send(mark, sent, asked)

    async def _send(self, mark: str, wish: Wish, asked: Sequence[Service]) -> None:
        responses = await asyncio.gather(
            *(
                each.lead.post(wish.path, wish.body, version=wish.version, key=mark)
                for each in asked
            )
        )
        good = [each for each in responses if each.is_success]
        refused = {problem(each)[1] for each in responses if not each.is_success}
        if good:
            assert len({each.content for each in good}) == 1
            self.ledger.done[mark] = Done(wish, _versions(good[0].json()))
        else:
            self.ledger.refused[mark] = min(refused)
        assert refused <= REFUSALS, (wish, refused)

    async def _wish(self, service: Service, chance: random.Random) -> Wish:
        objective_id, other = chance.sample(self.ids, 2)
        shown = (await service.lead.get(f"/objectives/{objective_id}")).json()
        if chance.random() < 0.1:
            entries = [
                {"child_id": objective_id, "version": shown["version"], "objective_id": each}
                for each in chance.sample(self.ids, 2)
                if each != objective_id
            ]
            return Wish("/alignments", {"alignments": entries}, None)
        step, body, versioned = self._step(shown, other, chance)
        return Wish(
            f"/objectives/{objective_id}/{step}", body, shown["version"] if versioned else None
        )

    def _step(
        self, shown: Json, other: str, chance: random.Random
    ) -> tuple[str, dict[str, Any], bool]:
        key_result = chance.choice(shown["key_results"])
        place = f"key-results/{key_result['id']}"
        last = key_result["last_check_in"]
        number = chance.randint(71, 200)
        choices: list[tuple[str, dict[str, Any], bool]] = [
            (f"{place}/check-ins", {"value": number}, True),
            (f"{place}/check-ins", {"value": number, "confidence": 0.5}, True),
            (f"{place}/retarget", {"target": number}, True),
            (f"{place}/revise", {"weight": number}, True),
            (f"{place}/remove", {}, True),
            ("key-results", COVERAGE, True),
            ("revise", {"title": f"Title {number}"}, True),
            ("delegate", {"delegates": [{"kind": "person", "id": f"p{number}"}]}, True),
            ("align", {"objective_id": other, "weight": number}, True),
            ("align", {"objective_id": other, "kind": "supports"}, True),
            ("unalign", {"objective_id": other}, True),
            ("comments", {"text": f"Comment {number}"}, False),
            ("acknowledge", {}, False),
            (chance.choice(("postpone", "abandon", "close", "activate")), {}, True),
            ("reopen", {}, True),
            ("reopen", {}, True),
            ("write-retrospective", {"worked": f"{number}"}, True),
        ]
        if last is not None:
            choices.append((f"{place}/check-ins/{last['id']}/correct", {"value": number}, True))
        if shown["alignments"]:
            old = {"from_objective_id": shown["alignments"][0]["objective_id"]}
            choices.append(("realign", {**old, "objective_id": other}, True))
        if chance.random() < 0.05:
            return "carry-over", {"cycle_id": self.cycles[1]["id"]}, True
        return chance.choice(choices)


def _versions(answer: Json) -> dict[str, int]:
    if "aligned" in answer:
        return {each["id"]: each["version"] for each in answer["aligned"]}
    return {answer.get("objective_id", answer.get("id")): answer["version"]}
