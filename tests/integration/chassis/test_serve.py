"""A service as a process: how it starts, what it answers on the wire, and how it stops."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import httpx
import pytest

from services.chassis.limits import MAX_HEAD_BYTES
from services.chassis.serve import EXIT_STUCK

START_SECONDS = 20
MEBIBYTE = 1024 * 1024


class Service:
    """A process that serves stones on a port of its own."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.chassis.served_stones"],
            env={**os.environ, **environment, "CAIRN_PORT": str(self.port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log: list[str] = []
        assert self.process.stderr is not None
        self._reader = threading.Thread(target=self._read, args=[self.process.stderr])
        self._reader.start()

    def _read(self, stream: Iterator[str]) -> None:
        self.log.extend(stream)

    def wait_until_ready(self) -> None:
        until = monotonic() + START_SECONDS
        while monotonic() < until and self.process.poll() is None:
            try:
                if httpx.get(f"{self.address}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                continue
        raise AssertionError(self.log)

    def wait_until_it_says(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == f"{word}\n"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def end(self, seconds: float) -> int:
        """The exit code, which has to be there within some seconds."""
        code = self.process.wait(seconds)
        self._reader.join()
        return code

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.log]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


Starting = Callable[..., Service]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starting]:
    started: list[Service] = []
    keys = tmp_path_factory.mktemp("keys") / "jwks.json"
    keys.write_text(
        '{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k",'
        ' "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}'
    )

    def start_one(**environment: str) -> Service:
        needed = {
            "CAIRN_DATABASE_URL": "postgresql://u@127.0.0.1:1/none",
            "CAIRN_NATS_URL": "nats://127.0.0.1:1",
            "CAIRN_JWKS": str(keys),
        }
        service = Service({**needed, **environment})
        started.append(service)
        return service

    yield start_one
    for service in started:
        service.process.kill()
        service.end(10)
        assert service.process.stdout is not None
        assert service.process.stderr is not None
        service.process.stdout.close()
        service.process.stderr.close()


@pytest.fixture
def service(start: Starting) -> Service:
    """A service that the test may stop."""
    service = start()
    service.wait_until_ready()
    return service


@pytest.fixture(scope="module")
def lasting(start: Starting) -> Service:
    """A service that several tests talk to and none stops."""
    service = start()
    service.wait_until_ready()
    return service


def test_a_request_in_flight_is_finished_before_the_process_ends(service: Service) -> None:
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(httpx.get, f"{service.address}/until-stopping", timeout=20)
        service.wait_until_it_says("held")
        service.stop()
        answer = asked.result()
        assert service.end(10) == 0
    assert (answer.status_code, answer.json()) == (200, "finished")
    assert answer.headers["Connection"] == "close"
    assert service.process.stdout is not None
    assert service.process.stdout.read() == "closed\n"
    assert "draining" in service.events()


def test_a_request_that_never_ends_is_cut_off(start: Starting) -> None:
    service = start(CAIRN_DRAIN_SECONDS="1")
    service.wait_until_ready()
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(httpx.get, f"{service.address}/forever", timeout=20)
        service.wait_until_it_says("held")
        begun = monotonic()
        service.stop()
        assert service.end(10) == 0
        assert monotonic() - begun < 5
        with pytest.raises(httpx.HTTPError):
            asked.result().raise_for_status()


def test_while_it_drains_a_service_answers_but_is_not_ready(start: Starting) -> None:
    service = start(CAIRN_DRAIN_DELAY_SECONDS="2")
    service.wait_until_ready()
    service.stop()
    until = monotonic() + 2
    while (probe := httpx.get(f"{service.address}/readyz")).status_code == 200:
        assert monotonic() < until
    assert (probe.status_code, probe.json()["status"]) == (503, "draining")
    answer = httpx.post(f"{service.address}/count", content=b"stone")
    assert (answer.json(), answer.headers["Connection"]) == (5, "close")
    assert service.end(10) == 0


def test_a_library_that_hangs_does_not_keep_the_process(start: Starting) -> None:
    service = start(STONES_HANG="1", CAIRN_DRAIN_SECONDS="1")
    service.wait_until_ready()
    service.stop()
    assert service.end(10) == EXIT_STUCK


def test_a_service_that_still_waits_for_something_stops_at_once(start: Starting) -> None:
    service = start(STONES_WAIT="1")
    service.wait_until_it_says("waiting")
    service.stop()
    assert service.end(5) == 0
    assert "stopped_while_starting" in service.events()


def test_an_interrupt_and_a_second_signal_stop_it_as_well(service: Service) -> None:
    service.process.send_signal(signal.SIGINT)
    service.process.send_signal(signal.SIGTERM)
    assert service.end(10) == 0


def test_bad_settings_are_one_line_and_a_code_of_their_own(start: Starting) -> None:
    service = start(CAIRN_LOG_LEVEL="chatty")
    assert service.end(START_SECONDS) == 2
    assert len(service.log) == 1
    assert service.log[0].startswith("StoneSettings: CAIRN_LOG_LEVEL: ")


def test_what_keeps_a_service_from_running_is_said_plainly(start: Starting) -> None:
    service = start(STONES_REFUSE="1")
    assert service.end(START_SECONDS) != 0
    refusal = next(json.loads(line) for line in service.log if "cannot_run" in line)
    assert refusal["reason"] == "The stones do not fit."


def test_every_line_on_stderr_is_json(service: Service) -> None:
    httpx.get(f"{service.address}/count")
    service.stop()
    service.end(10)
    assert "request" in service.events()


def test_the_server_does_not_say_what_it_is(lasting: Service) -> None:
    answer = httpx.get(f"{lasting.address}/livez")
    assert "Server" not in answer.headers
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/count", "/count-directly"])
@pytest.mark.parametrize("declared", [True, False])
def test_a_giant_body_is_refused_so_that_its_sender_learns_why(
    declared: bool, path: str, lasting: Service
) -> None:
    def giant() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * MEBIBYTE

    headers = {"Content-Length": str(20 * MEBIBYTE)} if declared else {}
    answer = httpx.post(f"{lasting.address}{path}", content=giant(), headers=headers, timeout=20)
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:cairn:problem:body-too-large"


def test_a_body_is_read_whole_in_however_many_pieces_it_comes(lasting: Service) -> None:
    pieces = [b"x" * MEBIBYTE] * 3
    address = f"{lasting.address}/count-directly"
    whole = httpx.post(address, content=b"".join(pieces))
    chunked = httpx.post(address, content=iter(pieces))
    assert (whole.text, chunked.text) == (str(3 * MEBIBYTE), str(3 * MEBIBYTE))
    assert whole.headers["X-Hash"] == chunked.headers["X-Hash"]


def test_a_refusal_that_needs_no_body_leaves_the_connection_usable(lasting: Service) -> None:
    with httpx.Client(base_url=lasting.address) as client:
        for _ in range(3):
            answer = client.post("/guarded", content=b"x" * 3 * MEBIBYTE)
            assert answer.status_code == 401
            assert "Connection" not in answer.headers
            assert client.post("/count", content=b"stone").json() == 5


def test_a_client_that_leaves_in_mid_body_is_no_crash(service: Service) -> None:
    head = b"POST /count-directly HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(head + b"half")
    until = monotonic() + 10
    while not any("count-directly" in line for line in service.log):
        assert monotonic() < until
        httpx.get(f"{service.address}/livez")
    (line,) = (json.loads(line) for line in service.log if "count-directly" in line)
    assert (line["event"], line["status"]) == ("request", 499)


def test_a_client_that_asks_first_is_told_not_to_send(lasting: Service) -> None:
    head = f"POST /count HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {10**10}"
    assert speak(lasting, head.encode() + b"\r\n\r\n").startswith(b"HTTP/1.1 413 ")


def test_a_head_without_end_is_refused(lasting: Service) -> None:
    head = b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: "
    answer = speak(lasting, head.ljust(MAX_HEAD_BYTES, b"a"), b"a")
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"urn:cairn:problem:head-too-large" in answer


def test_a_long_head_within_the_bound_is_served_on_one_connection(lasting: Service) -> None:
    with httpx.Client(base_url=lasting.address) as client:
        for _ in range(5):
            answer = client.post(
                "/count", content=b"x" * MEBIBYTE, headers={"X-Long": "a" * (MAX_HEAD_BYTES - 500)}
            )
            assert answer.json() == MEBIBYTE


@pytest.mark.parametrize(
    "sent",
    [b"\x16\x03\x01 TLS?", b"GET\r\n\r\n", b"G" * 10_000, b"POST / HTTP/1.1\r\nA\0: b\r\n\r\n"],
)
def test_what_is_no_http_is_refused_and_the_service_goes_on(sent: bytes, lasting: Service) -> None:
    assert speak(lasting, sent).startswith(b"HTTP/1.1 400 ")
    assert httpx.get(f"{lasting.address}/livez").status_code == 200


def speak(service: Service, *pieces: bytes) -> bytes:
    """Send raw bytes and read all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        for piece in pieces:
            connection.sendall(piece)
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
        return received
