"""Owners and delegates change objectives, who answers above approves, administrators do all."""

import pytest

from services.goals.domain.authority import (
    Authority,
    require_admin,
    require_approver,
    require_owner,
)
from services.goals.domain.errors import AdminRequiredError, NotApproverError, NotOwnerError
from services.goals.domain.events import Owner

ADA = Authority(id="ada", teams=frozenset({"quality"}))
ADMIN = Authority(id="root", admin=True)
COMPANY = Owner(kind="company", id="acme")
TEAM = Owner(kind="team", id="quality")
PERSON = Owner(kind="person", id="ada")
SALES = Owner(kind="team", id="sales")
BOB = Owner(kind="person", id="bob")


@pytest.mark.parametrize("owner", [TEAM, PERSON])
def test_an_owner_changes_their_own(owner: Owner) -> None:
    require_owner(owner, ADA)


@pytest.mark.parametrize("owner", [COMPANY, TEAM, PERSON])
def test_an_administrator_changes_all(owner: Owner) -> None:
    require_owner(owner, ADMIN)


@pytest.mark.parametrize("owner", [COMPANY, SALES, BOB])
@pytest.mark.parametrize("delegate", [TEAM, PERSON])
def test_a_delegate_changes_it_in_its_owner_s_name(owner: Owner, delegate: Owner) -> None:
    require_owner(owner, ADA, [BOB, delegate])


@pytest.mark.parametrize(
    ("owner", "delegates", "missing"),
    [
        (SALES, [], ["team sales", "scope goals:admin"]),
        (BOB, [], ["person bob", "scope goals:admin"]),
        (Owner(kind="person", id="quality"), [], ["person quality", "scope goals:admin"]),
        (Owner(kind="team", id="ada"), [], ["team ada", "scope goals:admin"]),
        (COMPANY, [], ["scope goals:admin"]),
        (Owner(kind="company", id="ada"), [COMPANY], ["scope goals:admin"]),
        (COMPANY, [BOB, SALES], ["person bob", "team sales", "scope goals:admin"]),
        (SALES, [BOB, SALES], ["team sales", "person bob", "scope goals:admin"]),
    ],
)
def test_anyone_else_is_told_what_is_missing(
    owner: Owner, delegates: list[Owner], missing: list[str]
) -> None:
    with pytest.raises(NotOwnerError) as refusal:
        require_owner(owner, ADA, delegates)
    assert refusal.value.extensions == {"missing": missing}


def test_the_refusal_says_whose_it_is() -> None:
    with pytest.raises(NotOwnerError, match="belongs to the team sales"):
        require_owner(SALES, ADA)
    with pytest.raises(NotOwnerError, match="of the company"):
        require_owner(COMPANY, ADA)


@pytest.mark.parametrize("parents", [[TEAM], [PERSON], [COMPANY, SALES, TEAM]])
def test_who_answers_for_any_objective_above_approves(parents: list[Owner]) -> None:
    require_approver(parents, ADA, own=[SALES])


@pytest.mark.parametrize("own", [[TEAM], [SALES, PERSON]])
def test_nobody_approves_what_is_their_own(own: list[Owner]) -> None:
    with pytest.raises(NotApproverError, match="a proposal of their own") as refusal:
        require_approver([TEAM, BOB, *own], ADA, own=own)
    assert "person bob" in refusal.value.extensions["missing"]  # type: ignore[operator]
    require_approver([TEAM], ADMIN, own=own)


@pytest.mark.parametrize("parents", [[], [COMPANY], [SALES]])
def test_an_administrator_approves_anything(parents: list[Owner]) -> None:
    require_approver(parents, ADMIN, own=[])


@pytest.mark.parametrize(
    ("parents", "missing"),
    [
        ([], ["scope goals:admin"]),
        ([COMPANY], ["scope goals:admin"]),
        ([SALES, BOB, SALES], ["team sales", "person bob", "scope goals:admin"]),
    ],
)
def test_nobody_else_approves(parents: list[Owner], missing: list[str]) -> None:
    with pytest.raises(NotApproverError, match="aligned to, or by an administrator") as refusal:
        require_approver(parents, ADA, own=[])
    assert refusal.value.extensions == {"missing": missing}


def test_cycles_are_the_administrators_business() -> None:
    require_admin(ADMIN)
    with pytest.raises(AdminRequiredError) as refusal:
        require_admin(ADA)
    assert refusal.value.extensions == {"missing": ["scope goals:admin"]}
