"""Earlier shapes of stored events, brought to the present one.

Each takes an event's fields in one version and gives them in the next; what an earlier shape had
no word for gets the value that it stood for then.
"""

from collections.abc import Mapping
from typing import Any, Final

from services.goals.domain.events import (
    KeyResultAdded,
    KeyResultCheckedIn,
    KeyResultMeasured,
    ObjectiveClosed,
    ObjectiveDrafted,
)

Fields = dict[str, Any]


def _drafted_1(fields: Fields) -> Fields:
    return {"labels": [], "delegates": [], "predecessor_id": None, **fields}


def _key_result_added_1(fields: Fields) -> Fields:
    return {"lower": None, "upper": None, "milestones": [], "phased_targets": [], **fields}


def _checked_in_1(fields: Fields) -> Fields:
    return {"milestones_done": [], **fields}


def _measured_1(fields: Fields) -> Fields:
    return {"definition": None, **fields}


def _closed_1(fields: Fields) -> Fields:
    scores = [{"computed": each["score"], "reason": None, **each} for each in fields["key_results"]]
    return {**fields, "key_results": scores}


UPCASTERS: Final[Mapping[tuple[str, int], Any]] = {
    (ObjectiveDrafted.TOPIC, 1): _drafted_1,
    (KeyResultAdded.TOPIC, 1): _key_result_added_1,
    (KeyResultCheckedIn.TOPIC, 1): _checked_in_1,
    (KeyResultMeasured.TOPIC, 1): _measured_1,
    (ObjectiveClosed.TOPIC, 1): _closed_1,
}
