"""When a failed delivery is tried again."""

from datetime import UTC, datetime

import pytest

from services.goals.settings import WEBHOOK_RETRY_SECONDS
from services.goals.webhooks.retries import (
    JITTER,
    MAX_RETRY_AFTER_SECONDS,
    RetrySchedule,
    retry_after_seconds,
)

NOW = datetime(2026, 3, 31, 8, 0, tzinfo=UTC)
SCHEDULE = RetrySchedule(WEBHOOK_RETRY_SECONDS)


@pytest.mark.parametrize("attempts", range(1, len(WEBHOOK_RETRY_SECONDS) + 1))
def test_each_wait_is_the_scheduled_one_give_or_take_the_jitter(attempts: int) -> None:
    scheduled = WEBHOOK_RETRY_SECONDS[attempts - 1]
    waits = [SCHEDULE.wait_after(attempts) or 0 for _ in range(200)]
    assert min(waits) >= scheduled * (1 - JITTER)
    assert max(waits) <= scheduled * (1 + JITTER)
    assert len(set(waits)) > 100


def test_waits_grow_and_span_days() -> None:
    assert list(WEBHOOK_RETRY_SECONDS) == sorted(WEBHOOK_RETRY_SECONDS)
    assert sum(WEBHOOK_RETRY_SECONDS) > 2 * 86_400


def test_after_the_last_attempt_there_is_no_other() -> None:
    assert SCHEDULE.wait_after(len(WEBHOOK_RETRY_SECONDS) + 1) is None
    assert RetrySchedule(()).wait_after(1) is None


def test_a_receiver_may_ask_for_a_longer_wait_but_not_for_a_shorter_one() -> None:
    assert SCHEDULE.wait_after(1, at_least=100) == 100
    assert (SCHEDULE.wait_after(3, at_least=1) or 0) > 90


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("120", 120),
        ("0", 0),
        ("99999999999", MAX_RETRY_AFTER_SECONDS),
        ("9" * 400, MAX_RETRY_AFTER_SECONDS),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
        ("Tue, 31 Mar 2026 08:01:00 GMT", 60),
        ("Tue, 31 Mar 2026 08:01:00 -0000", 60),
        ("Tue, 31 Mar 2026 07:00:00 GMT", 0),
        ("Wed, 31 Mar 2027 07:00:00 GMT", MAX_RETRY_AFTER_SECONDS),
        ("Wed, 99 Mar 99999 07:00:00 GMT", 0),
        ("Mon, 01 Jan 99999999999999 00:00:00 GMT", 0),
        ("Mon, 01 Jan 2026 00:00:00 +99999999999999", 0),
    ],
)
def test_retry_after_is_read_in_both_forms_and_bounded(header: str | None, seconds: float) -> None:
    assert retry_after_seconds(header, NOW) == seconds
