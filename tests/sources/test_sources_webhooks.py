"""Webhooks: what is signed is stored once, whoever is killed; what is not is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import multiprocessing
import random
import socket
import threading
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest
import yaml

from servers.postgres import free_port
from trainer.actions.follow import FollowOptions, follow_stream, retry_dead
from trainer.core.errors import SourceError, UsageError
from trainer.core.project import open_project
from trainer.sources import SourceContext
from trainer.sources.streams import create_stream
from trainer.sources.streams.webhook import Inbox, is_signed, read_signature
from trainer.stores import create_store

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
SECRET = "a secret of this test"

SLACK = (
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    "&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    "%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121"
    ".803a0bc887a14d10d2c447fce8b6703c"
)


@pytest.mark.parametrize(
    ("scheme", "secret", "headers", "body"),
    [
        (
            "github", b"It's a Secret to Everybody",
            {"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
            b"Hello, World!",
        ),
        (
            "slack", b"8f742231b10e8888abcd99yyyzzz85a5",
            {"X-Slack-Request-Timestamp": "1531420618",
             "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"},
            SLACK.encode(),
        ),
        (
            "standard", base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
             "webhook-signature": "v1,AAAA v1a,zzzz v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
            b'{"test": 2432232314}',
        ),
    ],
)  # fmt: skip
def test_the_examples_that_services_publish_are_right(scheme, secret, headers, body):
    assert is_signed(read_signature(scheme, headers, body), [b"another", secret])
    assert not is_signed(read_signature(scheme, headers, body + b" "), [secret])
    assert not is_signed(read_signature(scheme, headers, body), [b"another"])


def signed(body: bytes, *, name: str = "m1", moment: float = NOW.timestamp(), secret: str = SECRET) -> dict:
    """The headers of Standard Webhooks."""
    content = f"{name}.{moment:.0f}.".encode() + body
    signature = base64.b64encode(hmac.new(secret.encode(), content, hashlib.sha256).digest()).decode()
    return {"webhook-id": name, "webhook-timestamp": f"{moment:.0f}", "webhook-signature": f"v1,{signature}"}


@pytest.fixture
def hooks(tmp_path):
    section = {"kind": "webhook", "secret": SECRET, "listen": "127.0.0.1:0", "max_bytes": 2000, "headers": ["X-Event"]}
    with closing(create_stream("hooks", section, SourceContext(lambda: NOW, root=tmp_path))) as stream:
        stream.open(None)
        stream.serve()
        yield stream


def post(port: int, body: bytes, headers: dict, path: str = "/hooks", method: str = "POST") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_what_is_signed_is_received_and_read(hooks):
    body = b'{"order": 7}'

    assert post(hooks.port, body, signed(body) | {"X-Event": "paid"}) == 202
    batch = hooks.poll(10, 0.1)
    assert [(event.id, event.data) for event in batch.events] == [("m1", {"order": 7})]
    assert batch.events[0].metadata == {"received_at": "2025-03-01T12:00:00Z", "headers": {"X-Event": "paid"}}
    assert hooks.poll(10, 0.0).caught_up


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (401, {"headers": {}}),
        (401, {"headers": signed(b"{}", secret="wrong")}),
        (401, {"headers": signed(b'{"a": 1}')}),
        (401, {"headers": signed(b"{}") | {"webhook-id": "m2"}}),
        (401, {"headers": signed(b"{}") | {"webhook-signature": "v1,***"}}),
        (401, {"headers": signed(b"{}") | {"webhook-timestamp": "nan"}}),
        (401, {"headers": signed(b"{}", moment=NOW.timestamp() - 301)}),
        (401, {"headers": signed(b"{}", moment=NOW.timestamp() + 301)}),
        (202, {"headers": signed(b"{}", moment=NOW.timestamp() - 299)}),
        (404, {"path": "/other"}),
        (413, {"body": b"x" * 2001}),
        (501, {"method": "GET"}),
        (501, {"method": "PUT"}),
        (411, {"headers": {"Transfer-Encoding": "chunked"}, "body": iter([b"{}"])}),
    ],
)
def test_what_is_not_signed_as_it_should_be_is_refused(hooks, status, change):
    call = {"body": b"{}", "headers": signed(b"{}"), **change}

    assert post(hooks.port, **call) == status
    assert len(hooks.poll(10, 0.0).events) == (1 if status == 202 else 0)


def test_a_caller_that_stops_in_the_middle_leaves_nothing(hooks):
    with socket.create_connection(("127.0.0.1", hooks.port)) as caller:
        caller.sendall(b"POST /hooks HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        caller.shutdown(socket.SHUT_WR)
        assert b" 400 " in caller.recv(100)
    assert post(hooks.port, b"{}", signed(b"{}")) == 202


def test_a_disk_that_takes_nothing_is_said_to_the_caller(hooks, tmp_path):
    (tmp_path / ".trainer").mkdir()
    (tmp_path / ".trainer" / "inbox").write_text("in the way")

    assert post(hooks.port, b"{}", signed(b"{}")) == 503


def test_two_receivers_at_one_place_are_told(hooks, tmp_path):
    section = {"kind": "webhook", "secret": SECRET, "listen": f"127.0.0.1:{hooks.port}"}
    with pytest.raises(SourceError, match="cannot listen at"):
        create_stream("more", section, SourceContext(root=tmp_path)).serve()


@pytest.mark.parametrize("change", [{"secret": ""}, {"secret": []}, {"listen": "8700"}, {"scheme": "none"}])
def test_a_receiver_without_a_secret_or_place_is_none(change):
    with pytest.raises(UsageError):
        create_stream("hooks", {"kind": "webhook", "secret": "a", **change})


def test_an_inbox_that_is_begun_anew_loses_nothing(tmp_path):
    inbox = Inbox(tmp_path / "a.jsonl")
    for number in range(3):
        inbox.add({"id": number})
    messages, ended = inbox.read(None)
    inbox.renew(messages[1][1], above=0)
    assert ([message["id"] for message, _ in inbox.read(messages[1][1])[0]], ended) == ([2], True)

    inbox.renew(messages[2][1], above=0)
    inbox.add({"id": 3})
    assert [message["id"] for message, _ in inbox.read(messages[2][1])[0]] == [3]


@pytest.fixture
def project(tmp_path):
    section = {"kind": "webhook", "secret": SECRET, "listen": f"127.0.0.1:{free_port()}", "tolerance": "10h"}
    config = {"data_store": {"backend": "sqlite"}, "data_retriever": {"streams": {"hooks": section}}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def read(project, **options):
    return follow_stream(open_project(project, environ={}), "hooks", FollowOptions(**options))


def store_of(project):
    return create_store("sqlite", database_path=str(project / ".trainer" / "trainer.sqlite"))


def deliver(port: int, numbers: range, done: list[int], deadline: float) -> None:
    """Each message again and again until it is answered, as services do; the answer may be lost."""
    for number in numbers:
        body = json.dumps({"number": number}).encode()
        while time.monotonic() < deadline:
            try:
                if post(port, body, signed(body, name=f"m{number}", moment=time.time())) == 202:
                    done.append(number)
                    break
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)


def check_kills(project, count: int, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    address = yaml.safe_load((project / "config.yaml").read_text())["data_retriever"]["streams"]["hooks"]["listen"]
    deadline = time.monotonic() + 240
    done: list[int] = []
    halves = (range(0, count, 2), range(1, count, 2))
    callers = [
        threading.Thread(target=deliver, args=(int(address.rpartition(":")[2]), half, done, deadline))
        for half in halves
    ]
    context = multiprocessing.get_context("fork")
    processes = []
    for round_ in range(kills + 1):
        process = context.Process(target=read, args=(project,), kwargs={"follow": True, "batch": 5})
        process.start()
        processes.append(process)
        if round_ == 0:
            for caller in callers:
                caller.start()
        if round_ < kills:
            time.sleep(chance.uniform(0.05, 0.6))
            process.kill()
            process.join(60)
    for caller in callers:
        caller.join(300)
    processes[-1].kill()
    processes[-1].join(60)
    read(project)

    assert sorted(done) == list(range(count))
    documents = list(store_of(project).scan({"source": "hooks"}))
    assert sorted(document.data["number"] for document in documents) == list(range(count))
    assert {document.version for document in documents} == {1}


def test_what_was_answered_is_stored_once_whoever_is_killed(project):
    check_kills(project, 60, 3, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_thousands_of_messages_and_50_kills(project):
    check_kills(project, 3_000, 50, seed=2)


def test_a_message_that_is_no_json_is_a_dead_letter(project):
    stream = create_stream("hooks", {"kind": "webhook", "secret": SECRET}, SourceContext(lambda: NOW, root=project))
    assert stream.receive("/hooks", signed(b"\xffhello"), b"\xffhello")[0] == 202

    assert read(project).dead == 1
    letter = store_of(project).retrieve("dead:hooks:m1")
    assert base64.b64decode(letter.data["base64"]) == b"\xffhello"
    assert retry_dead(open_project(project, environ={}), "hooks").dead == 1
