"""Feedback: what people say to an objective or a check-in, in whatever state it is."""

from uuid import UUID

from services.goals.domain.events import ObjectiveAcknowledged, ObjectiveCommented


def comment(comment_id: UUID, text: str, *, check_in_id: UUID | None) -> ObjectiveCommented:
    """Say something about the objective, or about one of its check-ins."""
    return ObjectiveCommented(comment_id=comment_id, text=text, check_in_id=check_in_id)


def acknowledge(*, before: bool, check_in_id: UUID | None) -> ObjectiveAcknowledged | None:
    """Take note; None for who has done so `before`."""
    return None if before else ObjectiveAcknowledged(check_in_id=check_in_id)
