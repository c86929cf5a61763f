"""A server that speaks MongoDB's protocol: the one at MONGODB_URI, else one that this process starts for itself."""

from __future__ import annotations

import atexit
import functools
import importlib.util
import os
import subprocess
import sys

SERVER = """
import sys, tempfile
from secantus.server import SecantusDBServer

with tempfile.TemporaryDirectory(prefix="trainer-mongodb-") as folder:
    tempfile.tempdir = folder
    server = SecantusDBServer(
        storage_path=":memory:",
        replica_set_name=sys.argv[1] or None,
        enable_test_commands=False,
        transaction_lifetime_seconds=1,
    )
    server.start()
    print(server.port, flush=True)
    sys.stdin.read()
    server.stop()
"""
"""Lives for as long as its stdin is open: a killed process leaves none behind.

What a killed writer has begun holds the others up for as long as a transaction may live, a minute by default.
"""


REPLICA_SET = "tests"


def mongodb_url(replica_set: str = "") -> str | None:
    """The address of a server, None where there is none; with a name, one that is a replica set and has transactions.

    A server at MONGODB_URI is taken as it is.
    """
    return os.environ.get("MONGODB_URI") or started_server(replica_set)


@functools.cache
def started_server(replica_set: str) -> str | None:
    """The address of a server of our own, SecantusDB, started once; None where it is not installed."""
    if importlib.util.find_spec("secantus") is None:
        return None
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, replica_set],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    atexit.register(process.communicate)
    assert process.stdout
    port = int(process.stdout.readline())
    return f"mongodb://127.0.0.1:{port}"
