import json
import os
import signal
import subprocess
import sys
import time

import pytest

from trainer.core.appendlog import AppendLog, is_held, parse_records, try_lock
from trainer.core.errors import TrainerError

APPENDER = """
import sys
from pathlib import Path
from trainer.core.appendlog import AppendLog
log = AppendLog(Path(sys.argv[1]), sync=None)
for number in range(int(sys.argv[3])):
    log.append({"by": sys.argv[2], "number": number}, {"by": sys.argv[2], "number": number, "again": "x" * 2000})
"""


def test_records_come_back_in_their_order(tmp_path):
    log = AppendLog(tmp_path / "new" / "log.jsonl")
    log.append({"b": 1, "a": "é"})
    log.append([1], None)

    assert log.path.read_text("utf-8") == '{"a":"é","b":1}\n[1]\nnull\n'
    assert log.records() == [{"a": "é", "b": 1}, [1], None]


def test_a_log_that_is_not_there_has_no_records(tmp_path):
    assert AppendLog(tmp_path / "log.jsonl").records() == []
    assert not (tmp_path / "log.jsonl").exists()


@pytest.mark.parametrize("tail", ["{", '{"id": 2', "x" * 200_000])
def test_a_torn_tail_is_never_read_and_cut_off_by_the_next_append(tmp_path, tail):
    log = AppendLog(tmp_path / "log.jsonl")
    log.append({"id": 1})
    with log.path.open("a") as file:
        file.write(tail)

    assert log.records() == [{"id": 1}]
    log.append({"id": 3})
    assert log.path.read_text() == '{"id":1}\n{"id":3}\n'


def test_a_file_of_a_torn_line_alone_starts_anew(tmp_path):
    log = AppendLog(tmp_path / "log.jsonl")
    log.path.write_text('{"id"')
    log.append(1)

    assert log.lines() == [b"1"]


def test_a_whole_line_that_is_no_json_is_passed_over():
    assert parse_records([b"{}", b"{broken", b"[" * 100_000, b"1"]) == [{}, 1]


def test_under_the_lock_only_what_others_added_is_read(tmp_path):
    log = AppendLog(tmp_path / "log.jsonl")
    log.append(1)
    with log.locked() as ledger:
        lines, end = ledger.read()
    log.append(2)
    with log.locked() as ledger:
        assert (lines, ledger.read(end)[0]) == ([b"1"], [b"2"])
        end = ledger.append(3)
        assert ledger.read(end) == ([], end)


def test_what_cannot_be_put_on_the_disk_whole_is_taken_back(tmp_path):
    def full(handle):
        raise OSError(28, "No space left on device")

    log = AppendLog(tmp_path / "log.jsonl")
    log.append(1)
    with pytest.raises(TrainerError, match="cannot write: No space left on device"):
        AppendLog(log.path, sync=full).append(2)
    assert log.records() == [1]


def test_a_log_rewritten_while_another_waits_for_its_lock_loses_nothing(tmp_path):
    log = AppendLog(tmp_path / "log.jsonl")
    log.append(1)
    with log.locked() as ledger:
        appender = subprocess.Popen([sys.executable, "-c", APPENDER, str(log.path), "a", "1"])
        time.sleep(0.5)
        log.rewrite([*parse_records(ledger.read()[0]), "rewritten"])
    assert appender.wait(20) == 0

    assert [record if isinstance(record, int | str) else "appended" for record in log.records()] == [
        1,
        "rewritten",
        "appended",
        "appended",
    ]


def test_processes_that_append_at_once_leave_whole_lines_and_no_gaps(tmp_path):
    path = tmp_path / "log.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", APPENDER, str(path), str(name), "50"]) for name in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4

    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    for name in range(4):
        mine = [record for record in records if record["by"] == str(name)]
        assert [record["number"] for record in mine] == [number for number in range(50) for _ in "ab"]
    assert all(first["by"] == second["by"] for first, second in zip(records[::2], records[1::2], strict=True))


def test_after_a_kill_every_line_is_whole(tmp_path):
    path = tmp_path / "log.jsonl"
    for _ in range(5):
        writer = subprocess.Popen([sys.executable, "-c", APPENDER, str(path), "a", "1000000"])
        while not path.exists() or path.stat().st_size < 100_000:
            time.sleep(0.01)
        writer.send_signal(signal.SIGKILL)
        writer.wait(20)
        log = AppendLog(path)
        log.append("whole")
        assert all(json.loads(line) for line in path.read_bytes().splitlines())
        path.unlink()


def test_a_lock_is_seen_by_others_until_its_file_is_closed(tmp_path):
    path = tmp_path / "alive"
    assert not is_held(path)
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    assert try_lock(handle)
    assert is_held(path)
    os.close(handle)
    assert not is_held(path)
