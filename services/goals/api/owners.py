"""Owners in the query of a list: `?owner=team:quality`."""

from typing import Annotated, Final

from fastapi import Query

from contracts.goals import OwnerKind
from services.goals.domain.events import Owner

OwnerFilter = Annotated[
    str | None,
    Query(
        pattern=r"^(company|team|person):[^\x00]{1,200}$",
        description="Only those of this owner, as in `team:quality`.",
    ),
]

_KINDS: Final[dict[str, OwnerKind]] = {"company": "company", "team": "team", "person": "person"}


def asked_owner(text: str | None) -> Owner | None:
    """The owner that the filter names, None without one."""
    if text is None:
        return None
    kind, _, owner_id = text.partition(":")
    return Owner(kind=_KINDS[kind], id=owner_id)
