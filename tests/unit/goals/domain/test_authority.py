"""Owners change their own objectives, administrators all."""

import pytest

from services.goals.domain.authority import Authority, require_admin, require_owner
from services.goals.domain.errors import AdminRequiredError, NotOwnerError
from services.goals.domain.events import Owner

ADA = Authority(id="ada", teams=frozenset({"quality"}))
ADMIN = Authority(id="root", admin=True)
COMPANY = Owner(kind="company", id="acme")
TEAM = Owner(kind="team", id="quality")
PERSON = Owner(kind="person", id="ada")


@pytest.mark.parametrize("owner", [TEAM, PERSON])
def test_an_owner_changes_their_own(owner: Owner) -> None:
    require_owner(owner, ADA)


@pytest.mark.parametrize("owner", [COMPANY, TEAM, PERSON])
def test_an_administrator_changes_all(owner: Owner) -> None:
    require_owner(owner, ADMIN)


@pytest.mark.parametrize(
    ("owner", "missing"),
    [
        (Owner(kind="team", id="sales"), ["team sales", "scope goals:admin"]),
        (Owner(kind="person", id="bob"), ["person bob", "scope goals:admin"]),
        (Owner(kind="person", id="quality"), ["person quality", "scope goals:admin"]),
        (Owner(kind="team", id="ada"), ["team ada", "scope goals:admin"]),
        (COMPANY, ["scope goals:admin"]),
        (Owner(kind="company", id="ada"), ["scope goals:admin"]),
    ],
)
def test_anyone_else_is_told_what_is_missing(owner: Owner, missing: list[str]) -> None:
    with pytest.raises(NotOwnerError) as refusal:
        require_owner(owner, ADA)
    assert refusal.value.extensions == {"missing": missing}


def test_cycles_are_the_administrators_business() -> None:
    require_admin(ADMIN)
    with pytest.raises(AdminRequiredError) as refusal:
        require_admin(ADA)
    assert refusal.value.extensions == {"missing": ["scope goals:admin"]}
