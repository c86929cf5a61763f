"""A store on a file system that is full or read-only: one of its own, in a name space of its own where allowed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from trainer.stores import create_store

FULL = """
import json, os, random, sys
from pathlib import Path
from trainer.core.errors import StoreError
from trainer.stores import DocumentWrite, create_store

backend, folder, chance = sys.argv[1], Path(sys.argv[2]), random.Random(3)
store = create_store(backend, database_path=folder / "store.db")
(folder / "ballast").write_bytes(bytes(1_000_000))
kept, errors = {}, []

def fill(size):
    try:
        while True:
            drafts = [DocumentWrite(f"{len(kept)}:{n}:{size}", chance.randbytes(size // 2).hex()) for n in range(2)]
            store.store_many(drafts)
            kept.update((draft.key, draft.data) for draft in drafts)
    except StoreError as error:
        errors.append([str(error), error.hint])

def is_whole():
    return {found.key: found.data for found in store.scan()} == kept and store.count() == len(kept)

fill(40_000)
whole = [is_whole()]
handle = os.open(folder / "rest", os.O_CREAT | os.O_WRONLY)
try:
    while os.write(handle, bytes(512)):
        pass
except OSError:
    os.close(handle)
fill(2)
whole.append(is_whole())
(folder / "rest").unlink()
(folder / "ballast").unlink()
store.store("again", 1)
kept["again"] = 1
whole.append(is_whole())
print(json.dumps([len(kept), errors, whole]))
"""


def fill(backend, folder, kilobytes):
    """How many documents were kept, the errors, and whether all of them were there each time."""
    folder.mkdir()
    mounted = f'mount -t tmpfs -o size={kilobytes}k tmpfs "$0" && exec "$@"'
    script = [sys.executable, "-c", FULL, backend, folder]
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, folder, *script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def _own_mounts(tmp_path):
    """Skips where a file system of one's own cannot be mounted."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", tmp_path]
    try:
        subprocess.run(command, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("NOT TESTED on such a disk: run the same on Linux where `unshare --user --mount` is allowed")


def prove(backend, folder, kilobytes):
    count, errors, whole = fill(backend, folder, kilobytes)
    hint = "free some space and run the same command again; nothing was changed"

    assert count > 1
    assert whole == [True, True, True]
    assert [given for _, given in errors] == [hint, hint]
    for message, _ in errors:
        assert f"{folder / 'store.db'}: the database cannot be used: " in message
        assert "No space left on device" in message or "disk is full" in message


@pytest.mark.usefixtures("_own_mounts")
@pytest.mark.parametrize("backend", ["duckdb", "sqlite"])
def test_a_full_disk_is_one_clear_error_and_costs_no_document(backend, tmp_path):
    prove(backend, tmp_path / "disk", 4000)


@pytest.mark.soak
@pytest.mark.usefixtures("_own_mounts")
@pytest.mark.parametrize("backend", ["duckdb", "sqlite"])
def test_a_disk_that_fills_at_any_moment_costs_no_document(backend, tmp_path):
    for kilobytes in range(3000, 6000, 61):
        prove(backend, tmp_path / str(kilobytes), kilobytes)


ASK = """
import sys
from trainer.core.errors import StoreError
from trainer.stores import ReadOnly, create_store

store = create_store(sys.argv[1], database_path=sys.argv[2])
print(store.count({"n": 1}), [document.key for document in store.query({})], store.exists("a"))
try:
    store.store("b", 2)
except ReadOnly as error:
    print("read-only")
"""


@pytest.mark.usefixtures("_own_mounts")
@pytest.mark.parametrize("backend", ["duckdb", "sqlite"])
@pytest.mark.parametrize("filled", [True, False])
def test_what_lies_on_a_read_only_disk_can_be_asked_and_not_written(backend, filled, tmp_path):
    path = tmp_path / "project" / ".trainer" / f"trainer.{backend}"
    path.parent.parent.mkdir()
    if filled:
        create_store(backend, database_path=path).store("a", {"n": 1})
    read_only = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    script = [sys.executable, "-c", ASK, backend, path]
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", read_only, path.parent.parent, *script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    expected = "1 ['a'] True" if filled else "0 [] False"
    assert done.stdout == f"{expected}\nread-only\n", done.stderr
