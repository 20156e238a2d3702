"""One JSON line per event on stderr, for our own logs and for those of the libraries."""

import logging
import logging.config
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast

import structlog

from services.chassis.responses import to_json
from services.chassis.telemetry import current_request_id, current_trace

EventFields = MutableMapping[str, Any]

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_SECRET_FIELDS = frozenset(
    {"authorization", "cookie", "password", "proxy-authorization", "secret", "token"}
)
_REDACTED = "[redacted]"
# What a secret looks like in running text: a bearer token, a bare JWT, the password in a URL's
# user part, and a password in a connection string. The last group alone is replaced.
_SECRET_TEXT = re.compile(
    r"(bearer\s+)[^\s\"\\,]+|(\b)eyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|(://[^\s:/@\"]*:)[^\s@\"]+(?=@)|(password\s*[=:]\s*)[^\s\"\\&,]+",
    re.IGNORECASE,
)


def configure_logs(level: str, service: str, stream: BinaryIO | None = None) -> None:
    """Send every log of the process, ours and the libraries', to `stream` (stderr by default)."""
    out = _Unfailing(stream or sys.stderr.buffer)
    number = _LEVELS[level]
    shared: list[Any] = [
        _with_origin(service),
        structlog.processors.add_log_level,
        _with_time,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(cast("BinaryIO", out)),
        cache_logger_on_first_use=True,
    )
    _adopt_library_logs(out, number, shared)


class _Unfailing:
    """A stream that loses what it cannot write.

    A closed stderr or a full disk must not end the work that a line tells of: a writer's thread
    once died of the very message that the disk was full.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, line: bytes) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def _with_origin(service: str) -> Any:
    def add(_logger: object, _method: str, fields: EventFields) -> EventFields:
        fields["service"] = service
        request_id = current_request_id()
        if request_id is not None:
            fields.setdefault("request_id", request_id)
        trace = current_trace()
        if trace is not None:
            fields.setdefault("trace_id", trace.trace_id)
        return fields

    return add


def _with_time(_logger: object, _method: str, fields: EventFields) -> EventFields:
    # It is orjson that writes it out, six times as fast as a datetime would itself.
    fields["timestamp"] = datetime.now(UTC)
    return fields


def _adopt_library_logs(out: _Unfailing, level: int, shared: list[Any]) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _render_text,
        ],
    )
    handler = _LineHandler(out)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.INFO))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = True
    # These two write a line per request they make, which says nothing that ours do not.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


class _LineHandler(logging.Handler):
    """Writes each record as one line of bytes."""

    def __init__(self, out: _Unfailing) -> None:
        super().__init__()
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        self._out.write(self.format(record).encode("utf-8", "replace") + b"\n")
        self._out.flush()


def render(_logger: object, _method: str, fields: EventFields) -> bytes:
    """Encode the fields of an event as one line of JSON with no secret in it."""
    return _render_text(_logger, _method, fields).encode("utf-8", "replace")


def _render_text(_logger: object, _method: str, fields: EventFields) -> str:
    for name in _SECRET_FIELDS.intersection(fields):
        fields[name] = _REDACTED
    return redact(to_json(fields).decode())


def redact(text: str) -> str:
    """Replace in `text` what looks like a token or a password.

    Nearly every line has nothing of the kind, and looking for the marks costs a tenth of
    matching the expression.
    """
    return _SECRET_TEXT.sub(_keep_what_names_it, text) if _is_suspect(text.lower()) else text


def _is_suspect(lowered: str) -> bool:
    return "bearer" in lowered or "eyj" in lowered or "://" in lowered or "password" in lowered


def _keep_what_names_it(match: re.Match[str]) -> str:
    return f"{match[1] or match[2] or match[3] or match[4] or ''}{_REDACTED}"
