"""A key in the system's keyring: found, not there, locked, broken, or without the package that reads it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from servers.openai import openai_server

KEY = "sk-keyring-0123456789abcdef"
NAME = "TRAINER_TEST_SERVICE_KEY"
BACKENDS = """
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked


class Backend(KeyringBackend):
    priority = 1

    def set_password(self, service, username, password):
        raise NotImplementedError


class Locked(Backend):
    def get_password(self, service, username):
        raise KeyringLocked("the collection is locked")


class Broken(Backend):
    def get_password(self, service, username):
        raise OSError("no bus at /run/user/1000/bus")
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A keyring in plain files, in a folder of its own."""
    return {
        "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "HOME": str(tmp_path / "home"),
    }


def ask(run, folder: Path, url: str, env: dict[str, str]):
    config = folder / "config.yaml"
    section = f"provider: openai_compatible\n  model: m\n  api_base: {url}\n  api_key: ${{{NAME}}}"
    config.write_text(re.sub(r"provider: draft\b.*", section, config.read_text()))
    return run(folder, "run", "overview", "-p", "NAME=Sample", env=env)


def test_a_key_is_read_from_the_keyring(blank: Path, run, environ: dict[str, str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "keyring", "set", "trainer", NAME],
        env={**os.environ, **environ},
        input=KEY,
        text=True,
        check=True,
        capture_output=True,
    )
    with openai_server() as server:
        done = ask(run, blank, server.url, environ)
        sent = [seen.headers["authorization"] for seen in server.requests]

    assert done.returncode == 0, done.stderr
    assert sent == [f"Bearer {KEY}"]
    assert KEY not in done.stdout + done.stderr
    assert all(KEY.encode() not in path.read_bytes() for path in blank.rglob("*") if path.is_file())


def test_a_key_that_is_nowhere_names_every_place(blank: Path, run, environ: dict[str, str]) -> None:
    with openai_server() as server:
        done = ask(run, blank, server.url, environ)

        assert server.requests == []
    assert done.returncode == 2
    assert f"llm_provider.api_key is ${{{NAME}}}, which is not set" in done.stderr
    hint = f"with mode 600, or in the system's keyring: python -m keyring set trainer {NAME}"
    assert hint in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "broken",
    [
        ("backends.Locked", "KeyringLocked: the collection is locked"),
        ("backends.Broken", "OSError: no bus at /run/user/1000/bus"),
        ("nowhere.Keyring", "ModuleNotFoundError: No module named 'nowhere'"),
    ],
    ids=["locked", "broken", "not-there"],
)
def test_a_keyring_that_cannot_be_read_says_so_once(
    blank: Path, run, environ: dict[str, str], tmp_path: Path, broken: tuple[str, str]
) -> None:
    backend, said = broken
    (tmp_path / "backends.py").write_text(BACKENDS)
    with openai_server() as server:
        environ |= {"PYTHON_KEYRING_BACKEND": backend, "PYTHONPATH": str(tmp_path)}
        done = ask(run, blank, server.url, environ)

    assert done.returncode == 2
    message = " ".join(done.stderr.split())
    assert f"the keyring cannot be read for {NAME}: {said}" in message
    assert f"or export {NAME}=…" in message
    assert "Traceback" not in message


def test_without_the_package_the_message_says_what_to_install(
    blank: Path, run, environ: dict[str, str], tmp_path: Path
) -> None:
    hidden = "import sys\nsys.modules['keyring'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(hidden)
    with openai_server() as server:
        done = ask(run, blank, server.url, environ | {"PYTHONPATH": str(tmp_path)})

    assert done.returncode == 2
    message = " ".join(done.stderr.split())
    assert f'pip install "trainer-core[keyring]" and python -m keyring set trainer {NAME}' in message
