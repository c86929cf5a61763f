from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpcore
import pytest

from servers.rest import RestServer
from trainer.core.errors import SourceError, UsageError
from trainer.sources import SourceContext
from trainer.sources.http_client import HTTPClient

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def rest():
    with RestServer() as running:
        yield running


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """The waits of more than a moment, which are not slept."""
    waits: list[float] = []
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: waits.append(seconds) if seconds >= 0.5 else sleep(seconds))
    return waits


@pytest.fixture
def client(waits):
    return make_client()


def make_client(cache=None, **options) -> HTTPClient:
    options = {"timeout": 5, "retries": 3, "backoff": 1.0, "per_second": 1000, **options}
    return HTTPClient("Shop", SourceContext(lambda: NOW, cache=cache), **options)


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 with its key, in one file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    certificate = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path = folder / "server.pem"
    path.write_bytes(
        certificate.public_bytes(encoding) + key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    )
    return path


class RawServer:
    """Sends the same bytes to every connection, then goes on with `more` until the client hangs up."""

    def __init__(self, first: bytes, more: bytes = b"", pause: float = 0.0) -> None:
        self.first, self.more, self.pause, self.sent = first, more, pause, 0

    def __enter__(self) -> str:
        self.socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/"

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
                connection.recv(65536)
                connection.sendall(self.first)
                while self.more:
                    connection.sendall(self.more)
                    self.sent += len(self.more)
                    time.sleep(self.pause)
                connection.close()
            except OSError:
                if self.socket.fileno() < 0:
                    return


def test_a_body_over_the_limit_is_not_taken_in(rest):
    with pytest.raises(SourceError, match="Shop sent more than 10,000 bytes"):
        make_client(max_bytes=10_000).get(f"{rest.url}/big")
    assert len(rest.requests) == 1


def test_a_small_answer_cannot_unpack_into_a_huge_one(rest):
    with pytest.raises(SourceError, match="Shop sent more than 1,000,000 bytes"):
        make_client(max_bytes=1_000_000).get(f"{rest.url}/bomb")


def test_a_chunk_that_claims_four_gigabytes_is_read_no_further_than_the_limit():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n"
    server = RawServer(head, b"x" * 65_536)
    with server as url, pytest.raises(SourceError, match="Shop sent more than 1,000,000 bytes"):
        make_client(max_bytes=1_000_000).get(url)
    assert server.sent < 20_000_000


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd"])
def test_an_encoding_that_was_not_asked_for_is_not_unpacked(encoding):
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: 2\r\n\r\nxx"
    message = f"Shop sent an answer packed as {encoding}, which was not asked for"
    with RawServer(head.encode()) as url, pytest.raises(SourceError, match=message):
        make_client().get(url)


def test_a_body_that_drips_ends_at_the_deadline():
    start = time.monotonic()
    server = RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", b"x", pause=0.02)
    with server as url, pytest.raises(SourceError, match=r"Shop did not answer within 0\.3 s"):
        make_client(timeout=0.3, retries=0).get(url)
    assert time.monotonic() - start < 3


def test_headers_that_drip_end_at_the_deadline():
    start = time.monotonic()
    server = RawServer(b"HTTP/1.1 200 OK\r\nX: ", b"x", pause=0.02)
    with server as url, pytest.raises(SourceError, match=r"Shop did not answer within 0\.3 s"):
        make_client(timeout=0.3, retries=0).get(url)
    assert time.monotonic() - start < 3


class Connector(httpcore.SyncBackend):
    """Remembers where it was sent, and goes to a server of the test instead."""

    def __init__(self, port: int) -> None:
        self.port, self.addresses = port, []

    def connect_tcp(self, host, port, *arguments, **options):
        self.addresses.append(host)
        return super().connect_tcp("127.0.0.1", self.port, *arguments, **options)


PRIVATE = ["10.0.0.5", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "::1", "fe80::1", "::ffff:10.0.0.5"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_to_a_private_address_is_refused(rest, address):
    connector = Connector(rest.port)
    client = make_client(resolve=lambda _: [address], connector=connector)

    with pytest.raises(SourceError, match=r"Shop leads to shop\.example, a private address .*\n.*private_hosts"):
        client.get("http://shop.example/one")
    assert connector.addresses == []
    assert make_client(resolve=lambda _: [address], connector=connector, private_hosts=["shop.example"]).get(
        "http://shop.example/one"
    )


@pytest.mark.parametrize("target", ["169.254.169.254/latest", "[::1]/", "localhost/", "10.1/", "intranet.example/"])
def test_a_redirect_to_a_private_address_is_refused(rest, target):
    connector = Connector(rest.port)
    addresses = {"shop.example": ["93.184.215.14"]}
    client = make_client(resolve=lambda host: addresses.get(host, ["10.0.0.1"]), connector=connector)
    rest.elsewhere = f"http://{target}"

    with pytest.raises(SourceError, match="a private address"):
        client.get("http://shop.example/away")
    assert connector.addresses == ["93.184.215.14"]


def test_what_was_checked_is_what_is_reached(rest):
    """A name that changes between the check and the connection is looked up once."""
    answers = iter([["93.184.215.14"], ["169.254.169.254"]])
    connector = Connector(rest.port)

    assert (
        make_client(resolve=lambda _: next(answers), connector=connector).get("http://shop.example/one").status == 200
    )
    assert connector.addresses == ["93.184.215.14"]


def test_the_next_address_is_tried_where_one_does_not_answer(rest):
    class Half(Connector):
        def connect_tcp(self, host, port, *arguments, **options):
            if host == "93.184.215.14":
                raise httpcore.ConnectError("refused")
            return super().connect_tcp(host, port, *arguments, **options)

    client = make_client(resolve=lambda _: ["93.184.215.14", "93.184.215.15"], connector=Half(rest.port))

    assert client.get("http://shop.example/one").status == 200


def test_a_redirect_to_a_file_of_this_machine_is_not_followed(client, rest):
    with pytest.raises(SourceError, match="Shop redirects to file:, which is not followed"):
        client.get(f"{rest.url}/local")


def test_a_redirect_in_circles_ends(client, rest):
    with pytest.raises(SourceError, match="Shop redirects more than 10 times"):
        client.get(f"{rest.url}/loop")
    assert len(rest.requests) == 11


def test_another_origin_is_told_no_header_and_no_cookie_of_ours(client, rest):
    with RestServer() as elsewhere:
        rest.elsewhere = f"{elsewhere.url}/one"
        headers = {"X-Api-Key": "s3cret-key", "Authorization": "Bearer s3cret-key", "Cookie": "a=s3cret-key"}
        assert client.get(f"{rest.url}/away", headers=headers, secrets=["s3cret-key"]).status == 200

    assert "s3cret-key" not in str(elsewhere.requests)
    assert "s3cret-key" in str(rest.requests)


@pytest.mark.parametrize(
    ("header", "waited"), [("7", 7.0), ("Sat, 01 Mar 2025 12:00:30 GMT", 30.0), ("Sat, 01 Mar 2025 11:00:00 GMT", None)]
)
def test_a_retry_after_is_waited_for_as_it_says(client, rest, waits, header, waited):
    response = client.get(f"{rest.url}/later?{urlencode({'after': 1, 'wait': header})}")

    assert (response.status, waits) == (200, [] if waited is None else [waited])


def test_a_retry_after_of_more_than_a_minute_is_told_and_not_waited_for(client, rest, waits):
    with pytest.raises(SourceError, match=r"Shop answered 503\n"):
        client.get(f"{rest.url}/later?after=9&wait=61")
    assert waits == []


def test_without_a_retry_after_that_can_be_read_the_pauses_double_with_jitter(client, rest, waits):
    client.get(f"{rest.url}/later?after=3&wait=soon")

    assert [low <= wait <= low + 1.0 for wait, low in zip(waits, (1.0, 2.0, 4.0), strict=True)] == [True, True, True]


def test_a_server_error_that_stays_says_when_to_come_back(client, rest):
    with pytest.raises(SourceError, match=r"Shop answered 503 \(4 tries\)\n  run the same command again later"):
        client.get(f"{rest.url}/later?after=9&wait=1")


def test_a_name_that_does_not_exist_is_told(client):
    with pytest.raises(SourceError, match=r"Shop cannot be reached: .*\n  check that nobody\.invalid can be reached"):
        client.get("http://nobody.invalid/", retries=0)


def test_a_proxy_that_cannot_be_reached_is_named_without_its_password(client, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://ann:s3cret-key@127.0.0.1:9")

    with pytest.raises(SourceError, match=r"through the proxy 127\.0\.0\.1:9: .*\n  check HTTP_PROXY") as caught:
        client.get("http://shop.example/", retries=0)
    assert "s3cret-key" not in str(caught.value)


def test_this_machine_is_reached_without_a_proxy(client, rest, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    assert client.get(f"{rest.url}/one").status == 200


def test_a_file_of_certificates_that_is_not_there_is_told():
    with pytest.raises(UsageError, match=r"ca_file of Shop cannot be read: missing\.pem"):
        make_client(ca_file="missing.pem").get("https://127.0.0.1:9/")


def test_what_has_not_changed_is_not_sent_again(rest, tmp_path):
    client = make_client(tmp_path / "cache")
    first, second = client.get(f"{rest.url}/tagged"), client.get(f"{rest.url}/tagged")

    assert rest.answered == [200, 304]
    assert first.body == second.body == b'{"edition": 1}'
    assert make_client(tmp_path / "cache").get(f"{rest.url}/tagged").body == first.body
    assert rest.answered == [200, 304, 304]


def test_what_has_changed_is_taken_in_however_long_the_server_said_it_would_last(rest, tmp_path):
    client = make_client(tmp_path / "cache")
    client.get(f"{rest.url}/tagged")
    rest.edition = 2

    assert client.get(f"{rest.url}/tagged").body == b'{"edition": 2}'


def test_a_request_with_a_secret_leaves_nothing_in_the_cache(rest, tmp_path):
    client = make_client(tmp_path / "cache")
    client.get(f"{rest.url}/tagged?key=s3cret-key", secrets=["s3cret-key"])
    client.get(f"{rest.url}/tagged")

    assert b"s3cret-key" not in b"".join(path.read_bytes() for path in (tmp_path / "cache").iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_cache_that_cannot_be_written_does_not_cost_the_answer(rest, tmp_path):
    (tmp_path / "cache").mkdir(mode=0o500)

    assert make_client(tmp_path / "cache").get(f"{rest.url}/tagged").status == 200


def test_a_broken_cache_does_not_cost_the_answer(rest, tmp_path):
    (tmp_path / "http.sqlite").write_bytes(b"no database" * 1000)

    assert make_client(tmp_path).get(f"{rest.url}/tagged").status == 200


def test_a_certificate_that_is_not_trusted_is_told_and_not_tried_again(tmp_path, client):
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with RestServer(tls=context) as server:
        with pytest.raises(SourceError, match=r"Shop cannot be trusted: .*self.signed.*\n  a certificate of your own"):
            client.get(f"{server.url}/one")
        assert make_client(ca_file=str(certificate)).get(f"{server.url}/one").status == 200


def test_a_service_that_wants_a_certificate_of_ours_is_shown_it(tmp_path):
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    with RestServer(tls=context) as server:
        with pytest.raises(SourceError, match=r"Shop (cannot be reached|broke off)"):
            make_client(ca_file=str(certificate), retries=0).get(f"{server.url}/one")
        ours = make_client(ca_file=str(certificate), client_certificate=str(certificate))
        assert ours.get(f"{server.url}/one").status == 200


def test_every_attempt_and_every_failure_is_told_without_secrets(rest, waits):
    calls = []
    context = SourceContext(lambda: NOW, on_call=calls.append)
    client = HTTPClient("Shop", context, per_second=1000, backoff=1.0)
    client.get(f"{rest.url}/later?after=1&wait=1&key=s3cret-key", secrets=["s3cret-key"])
    with pytest.raises(SourceError):
        client.get("http://127.0.0.1:9/", retries=0)

    assert [(call.status, call.attempt) for call in calls] == [(503, 1), (200, 2), (0, 1)]
    assert calls[1].size == len(b'{"ready": true}')
    assert calls[0].error == "answered 503"
    assert calls[2].error.startswith("cannot be reached")
    assert "s3cret-key" not in str(calls)


def test_a_redirect_waits_for_a_turn_of_its_own(rest):
    client = make_client(per_second=2)
    rest.elsewhere = f"{rest.url}/one"
    began = time.monotonic()
    client.get(f"{rest.url}/away")
    client.get(f"{rest.url}/away")

    assert time.monotonic() - began >= 1
    assert len(rest.requests) == 4


def test_a_retry_after_holds_back_all_who_keep_the_same_ledger(rest, tmp_path):
    first, second = (
        HTTPClient("Shop", SourceContext(lambda: NOW, rates=tmp_path), per_second=1000, timeout=5, retries=1)
        for _ in range(2)
    )
    with pytest.raises(SourceError):
        first.get(f"{rest.url}/later?after=9&wait=1", retries=0)
    began = time.monotonic()
    second.get(f"{rest.url}/one")

    assert time.monotonic() - began >= 0.9


GATEWAYS = ["64:ff9b::a9fe:a9fe", "2002:a00:1::1", "::7f00:1", "::ffff:169.254.169.254", "0.0.0.0", "224.0.0.1", "::"]


@pytest.mark.parametrize("address", GATEWAYS)
def test_an_address_that_carries_a_private_one_is_refused_like_it(rest, address):
    connector = Connector(rest.port)

    with pytest.raises(SourceError, match="a private address"):
        make_client(resolve=lambda _: [address], connector=connector).get("http://shop.example/one")
    assert connector.addresses == []


def test_only_an_address_that_the_settings_name_may_be_of_the_own_network(rest):
    client = make_client(address="http://shop.example", resolve=lambda _: ["93.184.215.14"])

    with pytest.raises(SourceError, match="a private address"):
        client.get(f"{rest.url}/one")
    assert make_client(address=rest.url).get(f"{rest.url}/one").status == 200
