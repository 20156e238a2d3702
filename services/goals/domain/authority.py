"""Who may change what: owners their own objectives, administrators everything."""

from dataclasses import dataclass
from typing import Final

from services.goals.domain.errors import AdminRequiredError, NotOwnerError
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


def require_owner(owner: Owner, by: Authority) -> None:
    """Raise NotOwnerError unless `by` is the owner or an administrator."""
    if by.admin or by.speaks_for(owner):
        return
    if owner.kind == "company":
        raise NotOwnerError(
            "An objective of the company is changed by administrators only.",
            missing=[ADMIN_SCOPE],
        )
    raise NotOwnerError(
        f"The objective belongs to the {owner.kind} {owner.id}: its owner and administrators "
        "may change it.",
        missing=[f"{owner.kind} {owner.id}", ADMIN_SCOPE],
    )


def require_admin(by: Authority) -> None:
    """Raise AdminRequiredError unless `by` is an administrator."""
    if not by.admin:
        raise AdminRequiredError(
            "Cycles are planned and moved on by administrators only.", missing=[ADMIN_SCOPE]
        )
