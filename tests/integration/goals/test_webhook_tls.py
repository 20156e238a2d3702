"""Over TLS a receiver has to prove that it is the host that the URL names."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.integration.goals.conftest import Json, Service, Starting
from tests.integration.goals.receiver import Receiver, receiving
from tests.integration.goals.webhook_calls import webhook


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of its own for localhost, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "receiver.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def tried(service: Service, receiver: Receiver, host: str) -> Json:
    made = await webhook(service, f"https://{host}:{receiver.port}/")
    return await service.admin.done(f"/webhooks/{made['id']}/test")


async def test_a_trusted_certificate_has_to_be_of_the_host_that_the_url_names(
    starting: Starting, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with (
        receiving(server_tls(certificate)) as receiver,
        starting(webhook_private_hosts=True) as service,
    ):
        assert (await tried(service, receiver, "localhost"))["state"] == "delivered"
        assert receiver.received[0].headers["host"] == f"localhost:{receiver.port}"
        by_address = await tried(service, receiver, "127.0.0.1")
        assert by_address["error"].startswith("The receiver's certificate is not trusted: ")
        assert len(receiver.received) == 1


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    starting: Starting, certificate: Path
) -> None:
    async with (
        receiving(server_tls(certificate)) as receiver,
        starting(webhook_private_hosts=True) as service,
    ):
        refused = await tried(service, receiver, "localhost")
        assert refused["error"].startswith("The receiver's certificate is not trusted: ")
        assert receiver.received == []


async def test_a_receiver_that_speaks_no_tls_gets_nothing_over_https(starting: Starting) -> None:
    async def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with (
        await asyncio.start_server(speak_plainly, "127.0.0.1") as server,
        starting(webhook_private_hosts=True) as service,
    ):
        made = await webhook(service, f"https://localhost:{server.sockets[0].getsockname()[1]}/")
        refused = await service.admin.done(f"/webhooks/{made['id']}/test")
        assert refused["error"] == "The receiver does not speak TLS as it should."


async def test_a_handshake_that_does_not_end_is_given_up(starting: Starting) -> None:
    async with (
        receiving() as receiver,
        starting(webhook_private_hosts=True, webhook_timeout_seconds=0.6) as service,
    ):
        refused = await tried(service, receiver, "localhost")
        assert refused["error"] == "There was no whole answer within 0.6 seconds."
        assert receiver.received == []
