"""Why a command about a review is refused: each text says what is allowed instead."""

from collections.abc import Mapping, Sequence
from typing import ClassVar
from uuid import UUID

from contracts.reviews import ActionState, ReviewState
from services.goals.domain.errors import GoalsError, NotAllowedError


class NotReviewerError(NotAllowedError):
    """Only those who answer for a review, or for what it is about, change it."""


class ReviewStateError(GoalsError):
    """The review's state does not allow this step. `allowed` names those that it does."""

    _ALLOWED: ClassVar[Mapping[ReviewState, tuple[str, ...]]] = {
        "open": ("assign", "find the cause", "add, revise and move actions", "close"),
        "closing_proposed": (
            "assign",
            "find the cause",
            "add, revise and move actions",
            "close",
            "reopen",
        ),
        "closed": ("reopen",),
    }

    def __init__(self, state: ReviewState) -> None:
        allowed = self._ALLOWED[state]
        super().__init__(
            f"The review is {state.replace('_', ' ')}. What can be done now: {', '.join(allowed)}.",
            state=state,
            allowed=list(allowed),
        )


class ReviewAlreadyOpenError(GoalsError):
    """Another review of the same is not closed."""

    def __init__(self, review_id: UUID) -> None:
        super().__init__(
            f"The review {review_id} is about the same and not closed. Go on in that one, or close "
            "it first.",
            review_id=review_id,
        )


class UnknownSubjectError(GoalsError):
    """There is no objective, or no such key result of it, to review."""

    def __init__(self, what: str, unknown_id: UUID) -> None:
        super().__init__(f"There is no {what} {unknown_id} to review.")


class SubjectEndedError(GoalsError):
    """What has come to its end is not reviewed; it is scored and looked back upon."""

    def __init__(self, state: str) -> None:
        super().__init__(
            f"The objective is {state}. Review one that goes on, or write what was learned into "
            "its retrospective."
        )


class ActionNotFoundError(GoalsError):
    """The review has no action with that id."""

    def __init__(self, action_id: UUID) -> None:
        super().__init__(f"The review has no action {action_id}.")


class TooManyActionsError(GoalsError):
    """The bound on a review's actions is reached."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"A review has {limit} actions at most. Open another review for the rest.")


class ActionStateError(GoalsError):
    """The action is in that state already."""

    def __init__(self, state: ActionState) -> None:
        super().__init__(
            f"The action is {state.replace('_', ' ')} already. Move it to another state.",
            state=state,
        )


class ActionsLeftError(GoalsError):
    """A closed review is not changed, so that nobody could say any more that these are done."""

    def __init__(self, actions: Sequence[UUID]) -> None:
        super().__init__(
            f"{len(actions)} action(s) of the review are neither done nor dropped: move them "
            "first.",
            actions=list(actions),
        )
