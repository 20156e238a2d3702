"""Who answers for the sample company's objectives, by ids that say nothing about a person."""

from typing import Final

from contracts.goals import Owner

COMPANY: Final = Owner(kind="company", id="company")


def team(name: str) -> Owner:
    """One of the company's teams."""
    return Owner(kind="team", id=f"team-{name}")


def person(number: int) -> Owner:
    """Somebody who works there."""
    return Owner(kind="person", id=f"person-{number:02}")
