"""Whatever is sent, the service answers as its OpenAPI document says, and never with a 500."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import schemathesis
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from services.goals.settings import GoalsSettings
from tests.integration.goals.conftest import (
    ALL_SCOPES,
    COVERAGE,
    Issuer,
    Json,
    check_ins,
    cycle_body,
    objective_body,
)
from tests.integration.goals.processes import process

EXAMPLES = 25
# What has versions, the innermost first.
KINDS = ("review", "objective", "cycle", "webhook")
# Nobody listens there.
RECEIVER = "http://127.0.0.1:9/hook"

Case = schemathesis.Case[Any]


class Target:
    """What is really there, for requests to go deeper than "not found"."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        cycle = self._done("/cycles", cycle_body())
        self._done(f"/cycles/{cycle['id']}/activate", version=1)
        body = objective_body(cycle["id"], COVERAGE, COVERAGE)
        objective = self._done("/objectives", body)
        self._done(f"/objectives/{objective['id']}/activate", version=3)
        check_in = self._check_in(objective)
        review = self._review(objective)
        later = self._done("/cycles", cycle_body(starts_on="2026-07-01"))
        parent = self._done("/objectives", body)
        # What bodies name, where that is not what the path names.
        self._named = {
            "objective_id": parent["id"],
            "from_objective_id": parent["id"],
            "child_id": objective["id"],
            "cycle_id": later["id"],
            "key_result_id": objective["key_results"][0]["id"],
            "check_in_id": check_in["check_in_id"],
        }
        self._ids = {
            "cycle_id": cycle["id"],
            "objective_id": objective["id"],
            "key_result_id": objective["key_results"][0]["id"],
            "check_in_id": check_in["check_in_id"],
            "review_id": review["id"],
            "action_id": review["actions"][0]["id"],
            **self._webhook(),
        }

    def aim(self, case: Case) -> None:
        """Point the request at what is there, in the version that it has."""
        parameters: dict[str, Any] = case.path_parameters or {}
        for name in parameters:
            parameters[name] = self._ids[name]
        self._point(case.body)
        if case.headers and "If-Match" in case.headers:
            kind = next(each for each in KINDS if f"{each}_id" in parameters)
            shown = self._client.get(f"/v1/{kind}s/{self._ids[f'{kind}_id']}")
            # What an earlier request deleted has no version any more.
            case.headers["If-Match"] = shown.headers.get("etag", case.headers["If-Match"])

    def _point(self, value: Any) -> None:
        """Put ids of what is there into a body, wherever it has ids."""
        if isinstance(value, list):
            for each in value:
                self._point(each)
        elif isinstance(value, dict):
            for name, each in value.items():
                if name in self._named and _is_id(each):
                    value[name] = self._named[name]
                else:
                    self._point(each)

    def _webhook(self) -> dict[str, str]:
        """A webhook of this operation's own, since there may only be so many, and a delivery."""
        for old in self._client.get("/v1/webhooks").json()["items"]:
            headers = {"If-Match": f'"{old["version"]}"'}
            self._client.delete(f"/v1/webhooks/{old['id']}", headers=headers).raise_for_status()
        body = {"url": RECEIVER, "event_types": ["*"], "position": 0}
        webhook = self._done("/webhooks", body)
        event = self._client.get("/v1/events", params={"limit": 1}).json()["items"][0]
        return {"webhook_id": webhook["id"], "event_id": event["id"]}

    def _check_in(self, objective: Json) -> Json:
        return self._done(check_ins(objective), {"value": 75}, version=4)

    def _review(self, objective: Json) -> Json:
        concern = {"objective_id": objective["id"], "concern": "It does not move."}
        review = self._done("/reviews", concern)
        action = {"title": "Push", "owners": [{"kind": "person", "id": "bob"}]}
        return self._done(f"/reviews/{review['id']}/actions", action, version=1)

    def _done(self, path: str, body: Json | None = None, *, version: int | None = None) -> Json:
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        response = self._client.post(f"/v1{path}", json=body, headers=headers)
        answer: Json = response.raise_for_status().json()
        return answer


def _is_id(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


async def test_the_service_keeps_to_its_document(settings: GoalsSettings, issuer: Issuer) -> None:
    chosen = settings.model_copy(update={"webhook_private_hosts": True})
    async with process(chosen, issuer) as service:
        headers = issuer.headers("root", ALL_SCOPES)
        await asyncio.to_thread(send_anything, service.address, headers)


def send_anything(address: str, headers: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    with httpx.Client(base_url=address, headers=headers) as client:
        for found in schema.get_all_operations():
            operation: Any = found.ok()  # type: ignore[union-attr]
            keep_to_document(operation.as_strategy(), Target(client), headers)


def keep_to_document(
    cases: st.SearchStrategy[Case], target: Target, headers: dict[str, str]
) -> None:
    @given(cases, st.booleans())
    @examples(max_examples=EXAMPLES, deadline=None, derandomize=True)
    def keep(case: Case, aimed: bool) -> None:
        if aimed:
            target.aim(case)
        # What has the right form may still break a rule.
        case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    keep()
