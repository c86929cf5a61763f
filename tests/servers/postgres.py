"""A PostgreSQL of a test's own: a cluster in a folder, with logical replication, gone when the test is."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

psycopg = pytest.importorskip("psycopg", reason='NOT TESTED on PostgreSQL: pip install "trainer-core[postgres]"')


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def folder_of_nobody() -> Iterator[tuple[Path, dict]]:
    """A folder, and what makes a process run as who owns it: servers refuse to run as root."""
    user = {"user": "nobody"} if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="trainer-test-"))
    if user:
        shutil.chown(folder, user["user"])
    try:
        yield folder, user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def private_cluster() -> Iterator[str]:
    """Its URL."""
    programs = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), None]
    bin_path = next((str(path) for path in programs if path and (path / "initdb").exists()), None)
    initdb = shutil.which("initdb", path=bin_path) or shutil.which("initdb")
    if initdb is None:
        pytest.skip("NOT TESTED on PostgreSQL: its programs initdb and postgres are not installed")
    with folder_of_nobody() as (folder, user):
        data, port = folder / "data", free_port()
        command = [initdb, "-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--no-locale"]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, **user)
        settings = {
            "wal_level": "logical", "listen_addresses": "127.0.0.1", "port": port, "fsync": "off",
            "unix_socket_directories": "", "max_wal_senders": 4, "shared_buffers": "16MB",
        }  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        program = str(Path(initdb).with_name("postgres"))
        server = subprocess.Popen([program, "-D", data, *options], cwd=folder, stderr=subprocess.DEVNULL, **user)
        try:
            url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            deadline = time.monotonic() + 60
            while True:
                try:
                    psycopg.connect(url, connect_timeout=2).close()
                    break
                except psycopg.OperationalError:
                    assert server.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            yield url
        finally:
            server.terminate()
            server.wait(60)
