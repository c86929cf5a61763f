"""A MariaDB of a test's own, with a binary log, gone when the test is."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from servers.postgres import folder_of_nobody, free_port

pymysql = pytest.importorskip("pymysql", reason='NOT TESTED on MariaDB: pip install "trainer-core[mysql]"')


@contextmanager
def private_mariadb(*options: str) -> Iterator[dict]:
    """How to connect to it."""
    install, program = shutil.which("mariadb-install-db"), shutil.which("mariadbd", path="/usr/sbin:/usr/bin")
    if not install or not program:
        pytest.skip("NOT TESTED on MariaDB: its programs mariadb-install-db and mariadbd are not installed")
    with folder_of_nobody() as (folder, user):
        data, port = folder / "data", free_port()
        command = [
            install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
            "--skip-test-db", "--skip-name-resolve",
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, cwd=folder, **user)
        command = [
            program, "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={folder}/socket", f"--pid-file={folder}/pid", "--log-bin=log", "--server-id=1",
            "--binlog-format=ROW", "--binlog-row-metadata=FULL", "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--skip-name-resolve", *options,
        ]  # fmt: skip
        server = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL, **user)
        try:
            login = {"host": "127.0.0.1", "port": port, "user": "root", "password": ""}
            deadline = time.monotonic() + 60
            while True:
                try:
                    pymysql.connect(**login).close()
                    break
                except pymysql.Error:
                    assert server.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            yield login
        finally:
            server.terminate()
            server.wait(60)
