"""What a service is told by its environment, and one clear line where that is wrong."""

import re
import sys
from typing import Annotated, Literal, Self

from psycopg import Error as PostgresError
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_PREFIX = "CAIRN_"
EXIT_BAD_SETTINGS = 2

Seconds = Annotated[float, Field(gt=0, le=3_600)]

_LAST_PORT = 65_535
_SERVICE_FORM = re.compile(r"[a-z][a-z0-9-]{0,30}")
_SCHEMA_FORM = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class ServiceSettings(BaseSettings):
    """The settings every service has, each read from `CAIRN_` and its name in capitals.

    A service subclasses it with defaults of its own for `service`, `db_schema` and `port`.
    An empty variable counts as unset.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    service: str
    db_schema: str

    host: str = "127.0.0.1"
    port: int

    database_url: SecretStr
    database_pool_size: Annotated[int, Field(ge=1, le=1_000)] = 8
    database_max_waiting: Annotated[int, Field(ge=1, le=100_000)] = 256
    database_pool_timeout_seconds: Seconds = 2.0
    database_statement_timeout_seconds: Seconds = 15.0
    database_lock_timeout_seconds: Seconds = 5.0

    # The URL may carry credentials, so it is as secret as the password beside it.
    nats_url: SecretStr
    nats_user: str | None = None
    nats_password: SecretStr | None = None

    # The issuer's public keys: the path of a JWKS file, or its http(s) address.
    jwks: str
    issuer: str = "cairn-local"
    audience: str = "cairn"

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    # Traces are off unless an OTLP/HTTP endpoint is named.
    otlp_endpoint: str | None = None

    max_body_bytes: Annotated[int, Field(ge=1)] = 8 * 1024 * 1024
    max_in_flight_requests: Annotated[int, Field(ge=1)] = 512
    # How long a stopping process still listens while it says that it is not ready, so that a
    # balancer can look away first; and how long requests in flight may then take to finish.
    drain_delay_seconds: Annotated[float, Field(ge=0, le=300)] = 0.0
    drain_seconds: Annotated[int, Field(ge=1, le=3_600)] = 10

    # A subclass gives these three a default and so replaces their fields: the rules for them
    # stand in validators, which are inherited whatever the subclass writes.
    @field_validator("service")
    @classmethod
    def _is_service_name(cls, value: str) -> str:
        if not _SERVICE_FORM.fullmatch(value):
            raise ValueError("is not a name of lower-case letters, digits and hyphens")
        return value

    @field_validator("db_schema")
    @classmethod
    def _is_schema_name(cls, value: str) -> str:
        if not _SCHEMA_FORM.fullmatch(value):
            raise ValueError("is not a name of lower-case letters, digits and underscores")
        return value

    @field_validator("port")
    @classmethod
    def _is_port(cls, value: int) -> int:
        if not 1 <= value <= _LAST_PORT:
            raise ValueError(f"is not a port from 1 to {_LAST_PORT}")
        return value

    @field_validator("database_url")
    @classmethod
    def _is_conninfo(cls, value: SecretStr) -> SecretStr:
        try:
            conninfo_to_dict(value.get_secret_value())
        except PostgresError:
            # The parser's own message repeats parts of the value, which holds a password.
            raise ValueError("is not a PostgreSQL connection URL") from None
        return value

    @classmethod
    def load(cls) -> Self:
        """Read the environment, or say in one line on stderr what is wrong and exit with 2."""
        try:
            return cls()
        except ValidationError as error:
            sys.stderr.write(f"{cls.__name__}: {describe(error)}\n")
            raise SystemExit(EXIT_BAD_SETTINGS) from None


def describe(error: ValidationError) -> str:
    """Name every variable at fault and what is wrong with it, without repeating any value."""
    return "; ".join(map(_fault, error.errors(include_input=False, include_url=False)))


def _fault(fault: ErrorDetails) -> str:
    name = ".".join(map(str, fault["loc"])).upper()
    return f"{ENV_PREFIX}{name}: {fault['msg'].removeprefix('Value error, ')}"
