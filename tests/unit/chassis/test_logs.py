import errno
import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from services.chassis.logs import configure_logs, redact
from services.chassis.telemetry import Trace, enter_request

TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


@pytest.fixture
def written() -> Iterator[io.BytesIO]:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    stream = io.BytesIO()
    configure_logs("info", "stones", stream)
    yield stream
    root.handlers, root.level = before, level
    structlog.reset_defaults()


def lines(stream: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json(written: io.BytesIO) -> None:
    structlog.get_logger().info("stone_added", weight=3.5, note="two\nlines")
    (line,) = lines(written)
    timestamp = line.pop("timestamp")
    assert timestamp.endswith("Z")
    assert datetime.now(UTC) - datetime.fromisoformat(timestamp) < timedelta(minutes=1)
    assert line == {
        "event": "stone_added",
        "weight": 3.5,
        "note": "two\nlines",
        "service": "stones",
        "level": "info",
    }


async def test_a_line_names_the_request_and_trace_it_belongs_to(written: io.BytesIO) -> None:
    trace = Trace.begin()
    enter_request("r-7", trace)
    structlog.get_logger().info("stone_added")
    logging.getLogger("uvicorn.error").warning("from a library")
    for line in lines(written):
        assert (line["request_id"], line["trace_id"]) == ("r-7", trace.trace_id)


def test_what_is_below_the_level_is_not_written(written: io.BytesIO) -> None:
    structlog.get_logger().debug("detail")
    logging.getLogger("some.library").debug("detail")
    assert lines(written) == []


def test_the_libraries_write_the_same_lines(written: io.BytesIO) -> None:
    try:
        int("broken")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("It %s", "failed")
    (line,) = lines(written)
    assert (line["event"], line["level"], line["logger"]) == ("It failed", "error", "uvicorn.error")
    assert line["service"] == "stones"
    assert "ValueError: invalid literal" in line["exception"]


def test_an_exception_is_told_without_the_secrets_in_it(written: io.BytesIO) -> None:
    error = ConnectionError("postgresql://rock:hunter2@db/pile is away")
    structlog.get_logger().error("lost", exc_info=error)
    (line,) = lines(written)
    assert "ConnectionError" in line["exception"]
    assert b"hunter2" not in written.getvalue()


@pytest.mark.parametrize("name", ["authorization", "password", "token", "secret", "cookie"])
def test_a_field_that_is_a_secret_is_not_written(name: str, written: io.BytesIO) -> None:
    structlog.get_logger().info("x", **{name: "hunter2"})
    (line,) = lines(written)
    assert line[name] == "[redacted]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nothing to hide", "nothing to hide"),
        (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer [redacted]"),
        ("bearer abc.def", "bearer [redacted]"),
        (f"got {TOKEN}, refused", "got [redacted], refused"),
        ("postgresql://rock:hard@db:5432/x", "postgresql://rock:[redacted]@db:5432/x"),
        ("nats://:hard@bus", "nats://:[redacted]@bus"),
        ("host=db password=hard user=x", "host=db password=[redacted] user=x"),
        ("http://127.0.0.1:8600/v1", "http://127.0.0.1:8600/v1"),
        ("http://host/a:b/c@d", "http://host/a:b/c@d"),
    ],
)
def test_what_looks_like_a_secret_is_blacked_out(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_what_cannot_be_encoded_is_still_logged(written: io.BytesIO) -> None:
    structlog.get_logger().info("odd", thing=object(), half="\ud800")
    logging.getLogger("library").warning("half %s", "\ud800")
    assert len(written.getvalue().splitlines()) == 2


def test_a_closed_stream_does_not_take_the_service_down(written: io.BytesIO) -> None:
    written.close()
    logging.raiseExceptions, before = False, logging.raiseExceptions
    logging.getLogger("library").warning("nobody reads this")
    logging.raiseExceptions = before


class FullDisk(io.BytesIO):
    """A stream whose disk is full until somebody makes room."""

    full = True

    def write(self, line: Any) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(line)


def test_a_full_disk_loses_lines_and_nothing_else(written: io.BytesIO) -> None:
    disk = FullDisk()
    configure_logs("info", "stones", disk)
    structlog.get_logger().warning("disk_full")
    logging.getLogger("some.library").warning("disk full")
    disk.full = False
    structlog.get_logger().info("room_again")
    assert [each["event"] for each in lines(disk)] == ["room_again"]
