"""HTTP as servers really speak it: connections kept and closed, chunks, proxies, answers that are none."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from servers.openai import Reply, openai_server
from trainer.core.errors import ProviderError, UsageError
from trainer.providers import create_provider

ANSWER = json.dumps({"model": "m", "choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}).encode()


def read_request(connection):
    """The head of one request, its body read as well; empty where the client is gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (part := connection.recv(65536)):
            return ""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
    while len(body) < length:
        body += connection.recv(65536)
    return head.decode()


@contextmanager
def raw_server(*answers, connections=1):
    """A server that gives the bytes of one answer to each request, and closes after the last one of a connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    heads = []

    def serve():
        left = list(answers)
        while left:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                for _ in range(max(1, len(answers) // connections)):
                    if not (head := read_request(connection)):
                        break
                    heads.append(head)
                    connection.sendall(left.pop(0))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", heads
    finally:
        listener.close()


def http(body, *headers, version="HTTP/1.1", length=True):
    lines = [f"{version} 200 OK", *headers] + ([f"Content-Length: {len(body)}"] if length else [])
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(body, *, size):
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(f"{len(piece):X};note=1\r\n".encode() + piece + b"\r\n" for piece in pieces)
    return http(chunks + b"0\r\nTrailer: x\r\n\r\n", "Transfer-Encoding: chunked", length=False)


def ask(url):
    return create_provider("openai_compatible", model="m", api_base=url).complete("hi").content


@pytest.mark.parametrize(
    "answer",
    [
        http(ANSWER),
        http(ANSWER, version="HTTP/1.0"),
        http(ANSWER, length=False),
        chunked(ANSWER, size=1),
        chunked(ANSWER, size=1000),
        b"HTTP/1.1 100 Continue\r\n\r\n" + http(ANSWER),
        http(ANSWER, "X-Odd:", "x-tabs:\tvalue\t"),
    ],
    ids=["length", "http-1.0", "until-closed", "tiny-chunks", "one-chunk", "continue", "odd-headers"],
)
def test_every_framing_of_an_answer_is_understood(answer):
    with raw_server(answer) as (url, _):
        assert ask(url) == "hello"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        http(b"5\r\nhel", "Transfer-Encoding: chunked", length=False),
        http(b"zz\r\nhello\r\n", "Transfer-Encoding: chunked", length=False),
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + ANSWER,
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"\x15\x03\x01\x00\x02\x02\x50\r\n\r\n",
    ],
    ids=["ssh", "cut-chunk", "bad-chunk", "short-body", "cut-head", "tls-alert"],
)
def test_an_answer_that_is_none_is_a_failure_of_the_server(answer):
    with raw_server(answer) as (url, _), pytest.raises(ProviderError) as caught:
        ask(url)

    assert caught.value.kind == "server"


def test_a_connection_is_kept_for_the_next_request():
    with raw_server(http(ANSWER), http(ANSWER), http(ANSWER)) as (url, heads):
        provider = create_provider("openai_compatible", model="m", api_base=url)
        contents = [provider.complete("hi").content for _ in range(3)]

    assert contents == ["hello"] * 3
    assert len(heads) == 3


def test_a_kept_connection_that_the_server_has_closed_is_replaced_without_a_failure():
    with raw_server(*[http(ANSWER)] * 4, connections=4) as (url, heads):
        provider = create_provider("openai_compatible", model="m", api_base=url)
        contents = []
        for _ in range(4):
            contents.append(provider.complete("hi").content)
            time.sleep(0.2)  # until its end is here: one that closes while it is asked has cut an answer off

    assert contents == ["hello"] * 4
    assert len(heads) == 4


def test_the_key_and_headers_are_sent_and_the_login_of_an_address_is_not_shown():
    with raw_server(http(b"{}")) as (url, heads):
        address = url.replace("127.0.0.1", "user:hunter2@127.0.0.1")
        provider = create_provider(
            "openai_compatible", model="m", api_base=address, api_key="k" * 20, headers={"X-Team": "a"}
        )
        with pytest.raises(ProviderError) as caught:
            provider.complete("hi")

    assert "Authorization: Bearer " + "k" * 20 in heads[0]
    assert "X-Team: a" in heads[0]
    assert "hunter2" not in str(caught.value)


def test_a_moved_service_says_where_to():
    moved = b"HTTP/1.1 308 Moved\r\nLocation: https://elsewhere.example/v1\r\nContent-Length: 0\r\n\r\n"
    with (
        raw_server(moved) as (url, _),
        pytest.raises(ProviderError, match=r"has moved to https://elsewhere\.example/v1"),
    ):
        ask(url)


def test_a_service_that_does_not_run_is_said_to_refuse():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(ProviderError) as caught:
        ask(f"http://127.0.0.1:{port}/v1")
    assert caught.value.kind == "unreachable"
    assert caught.value.message == f"http://127.0.0.1:{port}/v1 cannot be reached: Connection refused"
    assert caught.value.hint == "check that the service runs and that the address is right"


def test_an_address_without_a_scheme_says_how_to_write_it():
    with pytest.raises(UsageError, match="is not an address of a service"):
        ask("localhost:11434")


def test_an_answer_in_one_very_long_line_streams():
    line = ANSWER.replace(b'"message"', b'"delta"').replace(b"hello", b"x" * 300_000)
    stream = http(b"data: " + line + b"\n\ndata: [DONE]\n\n", "Content-Type: text/event-stream")
    with raw_server(stream) as (url, _):
        content = create_provider("openai_compatible", model="m", api_base=url).stream("hi").result.content

    assert len(content) == 300_000


def test_plain_http_goes_through_a_proxy_by_its_whole_address(monkeypatch):
    with raw_server(http(ANSWER)) as (url, heads):
        monkeypatch.setenv("http_proxy", url.removesuffix("/v1").replace("//", "//me:secret@"))
        content = ask("http://models.example:8000/v1")

    assert content == "hello"
    assert heads[0].startswith("POST http://models.example:8000/v1/chat/completions HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic bWU6c2VjcmV0" in heads[0]


def test_a_proxy_that_does_not_listen_is_named_and_how_to_pass_it_by(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://me:hunter2@127.0.0.1:{port}")

    with pytest.raises(ProviderError) as caught:
        ask("http://models.example/v1")

    assert caught.value.kind == "unreachable"
    assert f"through the proxy http://127.0.0.1:{port}: Connection refused" in caught.value.message
    assert caught.value.hint == "start the proxy, or set NO_PROXY=models.example to go there directly"
    assert "hunter2" not in str(caught.value)


def test_a_server_on_this_machine_is_asked_directly_whatever_the_proxy(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    with raw_server(http(ANSWER)) as (url, _):
        assert ask(url) == "hello"


def test_a_body_without_end_is_left_when_it_is_too_long(monkeypatch):
    monkeypatch.setattr("trainer.providers.transport._LONGEST_BODY", 1_000_000)
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000000\r\n" + b"x" * 2_000_000

    with raw_server(endless) as (url, _), pytest.raises(ProviderError, match="more than 1,000,000 bytes"):
        ask(url)


@contextmanager
def tunnelling_proxy(target_port):
    """A proxy that knows CONNECT, and brings everybody to one port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    asked = []

    def pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)

    def serve():
        client, _ = listener.accept()
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(65536)
        asked.append(head.split(b"\r\n")[0].decode())
        upstream = socket.create_connection(("127.0.0.1", target_port))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=pump, args=(client, upstream), daemon=True).start()
        threading.Thread(target=pump, args=(upstream, client), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        listener.close()


def test_https_goes_through_a_tunnel_and_the_certificate_is_the_services_own(tmp_path, monkeypatch):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=models.example"]
    made += ["-addext", "subjectAltName=DNS:models.example", "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(made, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed, so no certificate can be made")
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate, key)
    code = "import sys; from trainer.providers import create_provider; "
    code += "print(create_provider('openai_compatible', model='m', api_base=sys.argv[1]).complete('hi').content)"
    secure = openai_server(lambda server, seen: Reply(content="by tunnel"), tls=server_side)
    with secure as server, tunnelling_proxy(server.port) as (proxy, asked):
        done = subprocess.run(
            [sys.executable, "-c", code, "https://models.example/v1"],
            env={**os.environ, "https_proxy": proxy, "SSL_CERT_FILE": str(certificate)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert (done.stdout, done.stderr) == ("by tunnel\n", "")
    assert asked == ["CONNECT models.example:443 HTTP/1.1"]
