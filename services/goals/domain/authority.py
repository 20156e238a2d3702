"""Who may change what: owners their own objectives, administrators everything."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.goals.domain.errors import AdminRequiredError, NotApproverError, NotOwnerError
from services.goals.domain.events import Owner

ADMIN_SCOPE: Final = "scope goals:admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """What the one who acts stands for: an id, the teams they belong to, the right to all."""

    id: str
    teams: frozenset[str] = frozenset()
    admin: bool = False

    def speaks_for(self, owner: Owner) -> bool:
        """Whether that owner is them or one of their teams."""
        if owner.kind == "team":
            return owner.id in self.teams
        return owner.kind == "person" and owner.id == self.id


def require_owner(owner: Owner, by: Authority, delegates: Sequence[Owner] = ()) -> None:
    """Raise NotOwnerError unless `by` is the owner, a delegate or an administrator."""
    if by.admin or by.speaks_for(owner) or any(by.speaks_for(each) for each in delegates):
        return
    if owner.kind == "company":
        text = "An objective of the company is changed by its delegates and administrators only."
    else:
        text = (
            f"The objective belongs to the {owner.kind} {owner.id}: its owner, its delegates and "
            "administrators may change it."
        )
    raise NotOwnerError(text, missing=_missing([owner, *delegates]))


def require_approver(parents: Sequence[Owner], by: Authority, *, own: Sequence[Owner]) -> None:
    """Raise NotApproverError unless `by` answers for an objective above, or is an administrator.

    `own` are the proposal's owner and delegates: who speaks for one of them and puts an objective
    of theirs above it would approve themselves.
    """
    if by.admin:
        return
    if any(by.speaks_for(each) for each in own):
        raise NotApproverError(
            "Nobody approves a proposal of their own.",
            missing=_missing([each for each in parents if each not in own]),
        )
    if any(by.speaks_for(each) for each in parents):
        return
    raise NotApproverError(
        "A proposal is approved or returned by who answers for an objective that it is aligned "
        "to, or by an administrator.",
        missing=_missing(parents),
    )


def require_admin(by: Authority) -> None:
    """Raise AdminRequiredError unless `by` is an administrator."""
    if not by.admin:
        raise AdminRequiredError(
            "Cycles are planned and moved on by administrators only.", missing=[ADMIN_SCOPE]
        )


def _missing(owners: Sequence[Owner]) -> list[str]:
    """What would do, each once. Nobody speaks for the company but administrators."""
    named = (f"{each.kind} {each.id}" for each in owners if each.kind != "company")
    return [*dict.fromkeys(named), ADMIN_SCOPE]
