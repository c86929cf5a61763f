"""OAuth 2.0: programs let themselves in, people sign in by browser or code, and one new token serves all processes."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from servers.oauth import CLIENT, FIRST_REFRESH, SECRET, OAuthServer
from trainer.core.errors import SourceError, UsageError
from trainer.sources import SourceContext, create_source

ENVIRON = {"CRM_CLIENT": CLIENT, "CRM_SECRET": SECRET, "CRM_REFRESH": FIRST_REFRESH}
QUERY = {"api": "crm", "path": "/contacts"}


@pytest.fixture
def oauth():
    with OAuthServer() as running:
        yield running


class Time:
    def __init__(self) -> None:
        self.now = datetime(2025, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def moment() -> Time:
    return Time()


@pytest.fixture
def ask(oauth, moment, tmp_path):
    """A source that signs in by this flow; each call is a new process as far as tokens go."""

    def source(flow: str, **settings: str):
        context = SourceContext(moment, tokens=tmp_path / "tokens", environ=ENVIRON)
        return create_source("api", context, apis=oauth.settings(flow, **settings), retries=0)

    return source


@pytest.mark.parametrize("client_auth", ["basic", "body"])
def test_a_program_lets_itself_in_and_keeps_its_token_while_it_holds(ask, oauth, client_auth):
    for _ in range(2):
        source = ask("client_credentials", env="CRM_SECRET", client_auth=client_auth, scope="read", audience="crm")
        assert source.retrieve(QUERY).data == {"records": [{"id": 1}]}

    assert oauth.grants == ["client_credentials"]
    _, form, headers = oauth.requests[0]
    assert (form["scope"], form["audience"]) == ("read", "crm")
    assert ("client_secret" in form) is (client_auth == "body")
    assert ("Authorization" in headers) is (client_auth == "basic")


def test_a_token_that_runs_out_is_renewed_before_it_is_refused(ask, oauth, moment):
    ask("client_credentials", env="CRM_SECRET").retrieve(QUERY)
    moment.now += timedelta(seconds=3580)
    ask("client_credentials", env="CRM_SECRET").retrieve(QUERY)

    assert oauth.grants == ["client_credentials"] * 2


def test_a_token_that_is_refused_is_renewed_once(ask, oauth):
    source = ask("refresh_token", env="CRM_SECRET", refresh_env="CRM_REFRESH")
    source.retrieve(QUERY)
    oauth.revoked.add("access-token-1")
    source.retrieve(QUERY)
    oauth.revoked |= {f"access-token-{number}" for number in range(9)}
    with pytest.raises(SourceError, match="crm answered 401"):
        source.retrieve(QUERY)

    assert oauth.grants == ["refresh_token"] * 3


def test_a_refresh_token_that_is_good_once_is_replaced_by_the_one_that_came(ask, oauth, moment):
    for _ in range(3):
        ask("refresh_token", env="CRM_SECRET", refresh_env="CRM_REFRESH").retrieve(QUERY)
        moment.now += timedelta(hours=2)

    assert [form["refresh_token"] for _, form, _ in oauth.requests] == [
        FIRST_REFRESH,
        "refresh-token-1",
        "refresh-token-2",
    ]


def test_a_refresh_token_that_was_put_in_place_of_a_refused_one_is_taken(ask, oauth, moment):
    ask("refresh_token", env="CRM_SECRET", refresh_env="CRM_REFRESH").retrieve(QUERY)
    moment.now += timedelta(hours=2)
    oauth.refresh = FIRST_REFRESH  # what the environment holds is good again, and what was kept is not
    ask("refresh_token", env="CRM_SECRET", refresh_env="CRM_REFRESH").retrieve(QUERY)

    assert [form["refresh_token"] for _, form, _ in oauth.requests] == [FIRST_REFRESH, "refresh-token-1", FIRST_REFRESH]


def test_threads_that_keep_nothing_ask_for_one_token(oauth, moment):
    context = SourceContext(moment, environ=ENVIRON)
    apis = oauth.settings("refresh_token", env="CRM_SECRET", refresh_env="CRM_REFRESH")
    source = create_source("api", context, apis=apis, retries=0)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: source.retrieve(QUERY).data, range(8)))

    assert answers == [{"records": [{"id": 1}]}] * 8
    assert oauth.grants == ["refresh_token"]


def test_tokens_are_the_users_alone_and_in_no_message(ask, oauth, tmp_path):
    ask("refresh_token", env="CRM_SECRET", refresh_env="CRM_REFRESH").retrieve(QUERY)
    folder = tmp_path / "tokens"

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    oauth.revoked.add("access-token-1")
    oauth.refuses_refresh = True
    with pytest.raises(SourceError, match="crm gave no token: invalid_grant: the refresh token was used") as caught:
        ask("refresh_token", env="CRM_SECRET", refresh_env="CRM_REFRESH").retrieve(QUERY)
    assert not {"access-token-1", "refresh-token-1", SECRET} & set(re.split(r"[\s:]", str(caught.value)))


def test_who_has_not_signed_in_is_told_how(ask):
    with pytest.raises(UsageError, match="nobody is signed in to crm\n  run: trainer retrieve api api=crm --sign-in"):
        ask("device", env="CRM_SECRET").retrieve(QUERY)


def test_a_person_signs_in_with_a_browser_of_this_machine(ask, oauth):
    oauth.public = True
    told = []

    def tell(line: str) -> None:
        told.append(line)
        if line.startswith("http"):
            threading.Thread(target=lambda: urllib.request.urlopen(line, timeout=20).read(), daemon=True).start()

    ask("authorization_code", scope="read").sign_in(QUERY, tell)

    assert ask("authorization_code", scope="read").retrieve(QUERY).data == {"records": [{"id": 1}]}
    assert oauth.grants == ["authorization_code"]
    assert "code_challenge_method=S256" in told[-1]
    assert "Authorization" not in oauth.requests[0][2]


def consent(address: str) -> str:
    """The address at which a browser of another machine ends, for which nothing listens there."""
    opener = urllib.request.build_opener(StayHere)
    return opener.open(address, timeout=20).headers["Location"]


class StayHere(urllib.request.HTTPRedirectHandler):
    def http_error_302(self, request, answer, code, message, headers):
        return answer


@pytest.mark.parametrize("redirect", ["", "https://crm.example/signed-in"])
def test_a_person_pastes_the_address_at_which_a_browser_elsewhere_ended(ask, oauth, redirect):
    oauth.public = True
    reading, writing = os.pipe()

    def tell(line: str) -> None:
        if "/authorize?" in line:
            os.write(writing, f"\n{consent(line)}\n".encode())

    settings = {"redirect_url": redirect} if redirect else {}
    with os.fdopen(reading) as pasted:
        ask("authorization_code", **settings).sign_in(QUERY, tell, pasted)
    os.close(writing)

    assert ask("authorization_code", **settings).retrieve(QUERY).data == {"records": [{"id": 1}]}
    assert oauth.requests[0][1]["redirect_uri"].startswith(redirect or "http://127.0.0.1:")


@pytest.mark.parametrize("line", ["https://crm.example/signed-in?code=stolen&state=guessed", "code-0", "é?state=é"])
def test_a_pasted_address_of_another_question_lets_nobody_in(ask, oauth, line, tmp_path):
    (tmp_path / "typed").write_text(f"{line}\n")
    with (tmp_path / "typed").open() as pasted, pytest.raises(SourceError, match="answered another question than ours"):
        ask("authorization_code", redirect_url="https://crm.example/signed-in").sign_in(QUERY, print, pasted)
    assert oauth.grants == []


def test_who_cannot_paste_is_told_to_use_a_terminal(ask):
    with pytest.raises(UsageError, match="must be pasted\n  run it in a terminal"):
        ask("authorization_code", redirect_url="https://crm.example/signed-in").sign_in(QUERY, print)


def test_an_answer_to_another_question_lets_nobody_in(ask, oauth):
    oauth.public = True

    def tell(line: str) -> None:
        if line.startswith("http"):
            port = re.search(r"127\.0\.0\.1%3A(\d+)%2Fcallback", line)[1]
            forged = f"http://127.0.0.1:{port}/callback?code=stolen&state=guessed"
            threading.Thread(target=lambda: urllib.request.urlopen(forged, timeout=20).read(), daemon=True).start()

    with pytest.raises(SourceError, match="answered another question than ours"):
        ask("authorization_code").sign_in(QUERY, tell)
    assert oauth.grants == []


def test_a_person_signs_in_with_a_code_on_any_machine(ask, oauth, monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    oauth.pending = 3
    told = []
    ask("device", env="CRM_SECRET").sign_in(QUERY, told.append)

    assert told == [
        f"To let trainer ask crm for you, open {oauth.url}/enter on any machine and enter the code WDJB-MJHT"
    ]
    assert [round(wait, 2) for wait in waits if wait] == [0.01, 0.01, 0.01, 5.01]
    assert ask("device", env="CRM_SECRET").retrieve(QUERY).data == {"records": [{"id": 1}]}


def test_who_is_refused_at_the_page_is_told_so(ask, oauth, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    oauth.device_answer = {"error": "access_denied"}

    with pytest.raises(SourceError, match="crm gave no token: access_denied\n"):
        ask("device", env="CRM_SECRET").sign_in(QUERY, lambda _: None)


def test_a_service_that_nobody_signs_in_to_says_so(ask, clock):
    with pytest.raises(UsageError, match="nobody signs in to it"):
        ask("client_credentials", env="CRM_SECRET").sign_in(QUERY, print)
    with pytest.raises(UsageError, match='unknown service that one signs in to "crn"\n  did you mean "crm"'):
        ask("device", env="CRM_SECRET").sign_in({"api": "crn"}, print)
    with pytest.raises(UsageError, match="nobody signs in to file"):
        create_source("file", SourceContext(clock)).sign_in({}, print)


_CHILD = """
import json, sys
from pathlib import Path
from trainer.sources import SourceContext, create_source
context = SourceContext(tokens=Path(sys.argv[1]))
source = create_source("api", context, apis=json.loads(sys.argv[2]), retries=0)
print("ready", flush=True)
sys.stdin.readline()
source.retrieve({"api": "crm", "path": "/contacts"})
"""


def test_many_processes_renew_a_token_once(oauth, tmp_path):
    settings = json.dumps(oauth.settings("refresh_token", env="CRM_SECRET", refresh_env="CRM_REFRESH"))
    command = [sys.executable, "-c", _CHILD, str(tmp_path), settings]
    children = [
        subprocess.Popen(
            command, env={**os.environ, **ENVIRON}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for child in children:
        child.stdout.readline()
    for child in children:
        child.communicate("go\n", timeout=60)

    assert [child.returncode for child in children] == [0, 0, 0]
    assert oauth.grants == ["refresh_token"]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"flow": "device"}, "device_url is missing"),
        ({"flow": "authorization_code"}, "authorize_url is missing"),
        ({"flow": "implicit"}, 'unknown value of apis.crm.auth.flow "implicit"'),
        ({"token_url": "nowhere"}, "token_url is not a URL"),
        ({"token_url": "http://x.example/t"}, "token_url would send secrets that anybody can read"),
        ({"client_id_env": ""}, "client_id_env is missing"),
    ],
)
def test_what_a_description_lacks_is_told(clock, settings, problem):
    auth = {"kind": "oauth", "token_url": "https://x.example/t", "client_id_env": "X", "env": "Y", **settings}
    source = create_source("api", SourceContext(clock), apis={"crm": {"base_url": "https://x.example", "auth": auth}})

    assert problem in " ".join(found.message for found in source.problems())
