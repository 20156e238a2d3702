"""Signatures as the Standard Webhooks specification has them, and as its own library reads them."""

import time

import pytest
from standardwebhooks.webhooks import Webhook as OfficialVerifier
from standardwebhooks.webhooks import WebhookVerificationError

from services.goals.webhooks.errors import MalformedSecretError
from services.goals.webhooks.signing import Secret, sign, signed_headers

KNOWN = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"type":"cairn.goals.objective.closed.v1","data":{"title":"Größer als 10 €"}}'.encode()


def test_the_published_test_vector_is_signed_as_published() -> None:
    signature = sign(
        Secret.parse(KNOWN),
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_official_library_takes_what_is_signed_with_either_of_two_secrets() -> None:
    secrets = [Secret.generate(), Secret.generate()]
    headers = signed_headers(secrets, message_id="m", timestamp=int(time.time()), body=BODY)
    for secret in secrets:
        assert OfficialVerifier(secret.reveal()).verify(BODY, headers)


def test_the_official_library_refuses_another_secret_body_or_id() -> None:
    secret = Secret.generate()
    headers = signed_headers([secret], message_id="m", timestamp=int(time.time()), body=BODY)
    verifier = OfficialVerifier(secret.reveal())
    for other, body, changed in (
        (OfficialVerifier(Secret.generate().reveal()), BODY, headers),
        (verifier, BODY + b" ", headers),
        (verifier, BODY, {**headers, "webhook-id": "n"}),
    ):
        with pytest.raises(WebhookVerificationError):
            other.verify(body, changed)


def test_a_secret_is_read_as_it_was_revealed() -> None:
    secret = Secret.generate()
    assert Secret.parse(secret.reveal()) == secret
    assert secret.reveal().startswith("whsec_")


@pytest.mark.parametrize("size", [24, 64])
def test_the_sizes_of_the_specification_are_taken(size: int) -> None:
    assert len(Secret.parse(Secret(b"k" * size).reveal()).key) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        KNOWN.removeprefix("whsec_"),
        "whsec_not base64 at all, but long enough",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        Secret(b"k" * 23).reveal(),
        Secret(b"k" * 65).reveal(),
        "whsec_" + "ü" * 32,
    ],
)
def test_any_other_form_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(MalformedSecretError) as refusal:
        Secret.parse(text)
    assert len(text) < 7 or text not in str(refusal.value)


def test_a_secret_shows_no_more_than_its_end() -> None:
    secret = Secret.parse(KNOWN)
    assert secret.hint() == "LaSw"
    assert "MfKQ" not in repr(secret)
    assert repr(secret.key) not in repr(secret)
