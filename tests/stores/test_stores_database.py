"""The DuckDB file: lock, migrations, and what happens when something is in the way."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import duckdb
import pytest

from trainer.core.errors import StoreError
from trainer.stores import DatabaseFile, create_store
from trainer.stores.lock import file_lock, holder, kind_of, refuse_network

FIRST = ("CREATE TABLE a (n INTEGER); CREATE TABLE b (n INTEGER)",)
HOLD = """
import sys, time
from pathlib import Path
from trainer.stores.lock import kind_of, refuse_network, file_lock
with file_lock(Path(sys.argv[1]), timeout=10):
    print("held", flush=True)
    time.sleep(60)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def database(tmp_path) -> DatabaseFile:
    return DatabaseFile(tmp_path / "trainer.duckdb", timeout=0.2)


@pytest.fixture
def hung(tmp_path):
    process = start(HOLD, tmp_path / "trainer.duckdb.lock")
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_migrations_are_applied_once_and_in_order(database):
    opener = functools.partial(database.open, "mart", FIRST)
    with opener() as connection:
        connection.execute("INSERT INTO a VALUES (1)")
    with database.open("mart", (*FIRST, "ALTER TABLE a ADD COLUMN m INTEGER")) as connection:
        found = connection.execute("SELECT * FROM a").fetchall()
        numbers = connection.execute("SELECT component, number FROM schema_migrations ORDER BY ALL").fetchall()

    assert found == [(1, None)]
    assert numbers == [("mart", 1), ("mart", 2)]


def test_components_count_their_migrations_apart(database):
    with database.open("mart", FIRST), pytest.raises(StoreError, match="already open in this thread"):
        create_store("duckdb", database_path=database.path).store("k", 1)
    create_store("duckdb", database_path=database.path).store("k", 1)

    with database.open("mart", FIRST) as connection:
        numbers = connection.execute("SELECT component, number FROM schema_migrations ORDER BY ALL").fetchall()
    assert numbers == [("documents", 1), ("documents", 2), ("mart", 1)]


def test_a_failed_migration_leaves_nothing(database):
    with pytest.raises(StoreError), database.open("mart", ("CREATE TABLE a (n INTEGER); SELECT no_such_function()",)):
        pass

    with database.open("mart", FIRST) as connection:
        assert connection.execute("SELECT count(*) FROM a").fetchall() == [(0,)]


def test_a_file_from_a_newer_program_is_refused_with_what_to_do(database):
    with database.open("mart", (*FIRST, "CREATE TABLE c (n INTEGER)")):
        pass

    said = "newer trainer: mart is at migration 2, this program knows 1"
    with pytest.raises(StoreError, match=said) as caught, database.open("mart", FIRST):
        pass
    assert "pip install --upgrade" in str(caught.value)


def test_what_fails_inside_is_rolled_back(database):
    def fail():
        with database.open("mart", FIRST) as connection:
            connection.execute("BEGIN")
            connection.execute("INSERT INTO a VALUES (1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.open("mart", FIRST) as connection:
        assert connection.execute("SELECT count(*) FROM a").fetchall() == [(0,)]


def test_extensions_are_neither_installed_nor_loaded_by_themselves(database):
    with database.open("mart", FIRST) as connection:
        names = ("autoinstall_known_extensions", "autoload_known_extensions")
        settings = [connection.execute(f"SELECT current_setting('{name}')").fetchone() for name in names]

    assert settings == [(False,), (False,)]


def test_a_hung_holder_is_named_by_pid_and_command(database, hung):
    with pytest.raises(StoreError) as caught, database.open("mart", FIRST):
        pass

    assert f"held by PID {hung.pid} (-c " in str(caught.value)
    assert "end it if it hangs" in str(caught.value)


def test_a_killed_holder_frees_the_lock(database, hung):
    hung.send_signal(signal.SIGKILL)
    hung.wait()

    with database.open("mart", FIRST) as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    assert holder(Path(f"{database.path}.lock")).startswith(f"PID {os.getpid()} ")


def test_a_thread_that_gives_up_does_not_free_the_lock_of_another(tmp_path):
    lock = tmp_path / "lock"
    outcome: list[str] = []

    def give_up():
        with pytest.raises(StoreError, match="waiting for it took too long"), file_lock(lock, timeout=0.05):
            pass
        with pytest.raises(StoreError), file_lock(lock, timeout=0.05):
            pass
        outcome.append("gave up")

    with file_lock(lock, timeout=1):
        thread = threading.Thread(target=give_up)
        thread.start()
        thread.join()
        other = start(HOLD.replace("timeout=10", "timeout=0.2"), lock)
        assert other.wait() == 1
    assert outcome == ["gave up"]


def test_comers_are_served_in_the_order_they_came(tmp_path):
    lock = tmp_path / "lock"
    code = """
    import sys
    from pathlib import Path
    from trainer.stores import lock
    take, name = lock._take_ticket, sys.argv[2]
    def told(*arguments):
        ticket = take(*arguments)
        print("queued", flush=True)
        return ticket
    lock._take_ticket = told
    with lock.file_lock(Path(sys.argv[1]), timeout=30):
        with open(sys.argv[1] + ".order", "a") as file:
            file.write(name)
    """
    with file_lock(lock, timeout=1):
        waiting = []
        for name in "abcdef":
            waiting.append(start(code, lock, name))
            assert waiting[-1].stdout.readline() == "queued\n"
        waiting[2].kill()
        waiting[2].wait()
    for process in waiting:
        process.wait()

    # c died in the queue, and nobody went ahead of their turn for it.
    assert (tmp_path / "lock.order").read_text() == "abdef"


def test_threads_take_turns(tmp_path):
    store = create_store("duckdb", database_path=tmp_path / "trainer.duckdb")
    threads = [threading.Thread(target=lambda: [store.store("k", n) for n in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [found.version for found in store.history("k")] == list(range(1, 21))


def test_a_forked_child_has_the_lock_no_more_than_its_parent_did(tmp_path):
    lock = tmp_path / "lock"
    with file_lock(lock, timeout=1):
        child = os.fork()
        if child == 0:
            try:
                with file_lock(lock, timeout=0.1):
                    os._exit(1)
            except StoreError:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0


def test_another_program_that_has_the_file_open_is_waited_for_and_named(database):
    with database.open("mart", FIRST):
        pass
    code = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    shell = start(code, database.path)
    assert shell.stdout.readline() == "open\n"

    with pytest.raises(StoreError, match=rf"PID {shell.pid}") as caught, database.open("mart", FIRST):
        pass
    shell.kill()
    shell.wait()
    assert "close it there" in str(caught.value)


def test_a_file_that_is_no_database_is_named(database):
    database.path.write_bytes(b"not a database" * 1000)

    with pytest.raises(StoreError, match="not a valid DuckDB database") as caught, database.open("mart", FIRST):
        pass
    assert "move trainer.duckdb away" in str(caught.value)
    assert database.path.read_bytes() == b"not a database" * 1000


def test_a_network_file_system_is_refused_with_the_remedy(tmp_path):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 0:1 / / rw - ext4 /dev/sda rw\n"
        f"2 1 0:2 / {tmp_path}/on\\040disk rw - ext4 /dev/sdb rw\n"
        f"3 1 0:3 / {tmp_path}/shared rw shared:1 - nfs4 server:/x rw\n"
        f"4 3 0:4 / {tmp_path}/shared/local rw - tmpfs tmpfs rw\n"
    )
    text = mounts.read_text()

    assert kind_of(tmp_path / "shared" / "deep", text) == "nfs4"
    assert kind_of(tmp_path / "shared" / "local", text) == "tmpfs"
    assert kind_of(tmp_path / "on disk" / "x", text) == "ext4"
    refuse_network(tmp_path / "shared" / "local", mounts=mounts)
    refuse_network(tmp_path / "shared", mounts=tmp_path / "absent")
    with pytest.raises(StoreError, match=r"network file system \(nfs4\)") as caught:
        refuse_network(tmp_path / "shared", mounts=mounts)
    assert "data_store.database_path" in str(caught.value)


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="cannot open the lock file"):
        create_store("duckdb", database_path=tmp_path / "file" / "trainer.duckdb").store("k", 1)


def test_constructing_creates_nothing(tmp_path):
    create_store("duckdb", database_path=tmp_path / "x" / "trainer.duckdb")

    assert list(tmp_path.iterdir()) == []


def test_the_file_opens_with_plain_duckdb(tmp_path):
    create_store("duckdb", database_path=tmp_path / "trainer.duckdb").store("k", {"a": {"b": 5}})

    with duckdb.connect(tmp_path / "trainer.duckdb", read_only=True) as connection:
        found = connection.execute("SELECT key, (data->>'$.a.b')::INT FROM documents WHERE current").fetchall()
    assert found == [("k", 5)]


def test_an_interrupt_within_a_statement_is_an_interrupt(tmp_path):
    code = """
        import signal, sys
        from pathlib import Path
        from trainer.stores import DatabaseFile

        signal.signal(signal.SIGALRM, signal.default_int_handler)
        with DatabaseFile(Path(sys.argv[1])).open("a", ()) as connection:
            signal.setitimer(signal.ITIMER_REAL, 0.3, 0.3)
            connection.execute("select sum(a.range * b.range) from range(1000000) a, range(500) b").fetchall()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), tmp_path / "a.duckdb"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.stderr.rstrip().endswith("KeyboardInterrupt")
