"""Asks a service something over HTTP on behalf of a person at a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import httpx

ANSWER_SECONDS = 30.0
MAX_PAGES = 10_000


class RequestFailedError(Exception):
    """The service refused, or could not be reached; the message is for the person who asked.

    `problem` is the problem document that it was refused with, if there is one.
    """

    def __init__(self, text: str, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(text)
        self.problem: Mapping[str, Any] = problem or {}


class ServiceClient:
    """One service at an address, asked with one token."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def get(self, path: str, parameters: Mapping[str, str | int | None] | None = None) -> Any:
        """Return the answer's JSON; parameters of None are left out. Raises RequestFailedError."""
        given = {name: value for name, value in (parameters or {}).items() if value is not None}
        return self._ask("GET", path, params=given).json()

    def download(self, path: str, parameters: Mapping[str, str | None]) -> bytes:
        """Return the answer as it came; parameters of None are left out.

        Raises RequestFailedError.
        """
        given = {name: value for name, value in parameters.items() if value is not None}
        return self._ask("GET", path, params=given).content

    def items(
        self, path: str, parameters: Mapping[str, str | int | None] | None = None
    ) -> Iterator[Any]:
        """Yield the items of a list, page after page. Raises RequestFailedError."""
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = self.get(path, {**(parameters or {}), "cursor": cursor})
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """Send JSON, return the answer's. Raises RequestFailedError."""
        headers = {"Idempotency-Key": str(uuid4())}
        return self._ask("POST", path, json=body, headers=headers).json()

    def upload(
        self, path: str, content: bytes, media_type: str, parameters: Mapping[str, str | None]
    ) -> Any:
        """Send a file, return the answer's JSON. Raises RequestFailedError."""
        given = {name: value for name, value in parameters.items() if value is not None}
        headers = {"Content-Type": media_type}
        return self._ask("POST", path, content=content, headers=headers, params=given).json()

    def _ask(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}", **arguments.pop("headers", {})}
        try:
            answer = httpx.request(
                method, self._url + path, headers=headers, timeout=ANSWER_SECONDS, **arguments
            )
        except httpx.HTTPError as error:
            raise RequestFailedError(
                f"{self._url} does not answer ({type(error).__name__}): is the stack up?"
            ) from error
        if answer.is_error:
            raise RequestFailedError(_in_words(answer), _problem(answer))
        return answer


def _problem(answer: httpx.Response) -> Mapping[str, Any] | None:
    """Return the problem document (RFC 9457) of an answer, if it is one."""
    if answer.headers.get("Content-Type", "").split(";")[0] != "application/problem+json":
        return None
    document: Mapping[str, Any] = answer.json()
    return document


def _in_words(answer: httpx.Response) -> str:
    """Say what a problem document says, or the status where there is none."""
    problem = _problem(answer)
    if problem is None:
        return f"{answer.url} answered {answer.status_code}"
    faults = [f"\n  {fault['pointer']}: {fault['detail']}" for fault in problem.get("errors", ())]
    return f"{problem['title']} {problem.get('detail', '')} ({answer.status_code}){''.join(faults)}"
