"""Publishes one reading on the bus, for a person at a terminal."""

import json
from collections.abc import Mapping

import nats

from contracts.subjects import intake_subject
from deploy.local.service_client import RequestFailedError

CONNECT_SECONDS = 5


async def publish_reading_on_bus(
    address: str, password: str, source: str, reading: Mapping[str, object]
) -> None:
    """Publish a reading as the bus's administrator; return when JetStream has stored it.

    Whether metrics takes it is decided later: what it cannot take is listed with the reason.
    Raises RequestFailedError, and MalformedSourceError for a source that is no subject token.
    """
    subject = intake_subject(source)
    try:
        client = await nats.connect(
            address,
            user="admin",
            password=password,
            connect_timeout=CONNECT_SECONDS,
            allow_reconnect=False,
        )
    except (OSError, nats.errors.Error) as error:
        raise RequestFailedError(f"the bus at {address} does not answer: {error}") from error
    try:
        await client.jetstream().publish(subject, json.dumps(reading).encode())
    except nats.errors.Error as error:
        raise RequestFailedError(f"the bus did not take the reading: {error}") from error
    finally:
        await client.close()
