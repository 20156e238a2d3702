"""What people say is taken down, and who took note is counted once."""

from uuid import UUID

import pytest

from services.goals.domain.events import ObjectiveAcknowledged, ObjectiveCommented
from services.goals.domain.feedback import acknowledge, comment

COMMENT, CHECK_IN = UUID(int=81), UUID(int=82)


@pytest.mark.parametrize("check_in_id", [None, CHECK_IN])
def test_an_objective_or_a_check_in_is_commented_on(check_in_id: UUID | None) -> None:
    assert comment(COMMENT, "Well done.", check_in_id=check_in_id) == ObjectiveCommented(
        comment_id=COMMENT, text="Well done.", check_in_id=check_in_id
    )


@pytest.mark.parametrize("check_in_id", [None, CHECK_IN])
def test_one_takes_note_once(check_in_id: UUID | None) -> None:
    noted = acknowledge(before=False, check_in_id=check_in_id)
    assert noted == ObjectiveAcknowledged(check_in_id=check_in_id)
    assert acknowledge(before=True, check_in_id=check_in_id) is None
