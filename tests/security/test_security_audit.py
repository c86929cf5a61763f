import subprocess
import sys
from datetime import UTC, datetime

import pytest

from trainer.security import AuditLog


def written(tmp_path, entries=40):
    log = AuditLog(tmp_path / "audit.jsonl", b"k" * 32, clock=lambda: datetime(2026, 1, 2, tzinfo=UTC))
    for number in range(entries):
        log.append("prompt.sent", {"number": number, "report": "overview"}, actor="mira")
    return log


def test_an_untouched_log_is_whole(tmp_path):
    log = written(tmp_path)
    audit = log.verify()

    assert (audit.entries, audit.faults) == (40, ())
    assert log.anchor() == f"40:{audit.head}"


CHANGES = {
    "edit": lambda lines, at: [*lines[:at], lines[at].replace("overview", "0verview"), *lines[at + 1 :]],
    "delete": lambda lines, at: lines[:at] + lines[at + 1 :],
    "swap": lambda lines, at: [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]],
    "repeat": lambda lines, at: [*lines[:at], lines[at], *lines[at:]],
    "cut": lambda lines, at: lines[: at + 1],
    "spoil": lambda lines, at: [*lines[:at], "{}\n", *lines[at + 1 :]],
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_every_change_shows_with_its_line(tmp_path, change):
    log = written(tmp_path)
    lines = log.path.read_text().splitlines(keepends=True)
    for at in range(len(lines) - 1):
        log.path.write_text("".join(CHANGES[change](lines, at)))
        faults = log.verify().faults

        assert faults, at
        assert change == "cut" or at + 1 <= min(fault.line for fault in faults) <= at + 2


def test_a_tail_cut_off_with_its_head_shows_against_an_anchor(tmp_path):
    log = written(tmp_path)
    number, code = log.anchor().split(":")
    lines = log.path.read_text().splitlines(keepends=True)
    log.path.unlink()
    log.path.with_suffix(".head").unlink()
    shorter = written(tmp_path, entries=30)

    assert len(lines) == 40
    assert shorter.verify().faults == ()
    assert [fault.kind for fault in shorter.verify((int(number), code)).faults] == ["cut"]


def test_another_key_is_told_from_a_change(tmp_path):
    log = written(tmp_path, entries=3)

    assert {fault.kind for fault in AuditLog(log.path, b"other").verify().faults} == {"unknown key"}


def test_details_that_are_too_long_leave_their_digest(tmp_path):
    log = written(tmp_path, entries=1)
    log.append("datum.read", {"text": "x" * 100_000})
    log.append("datum.read", {})

    assert log.verify().faults == ()
    assert log.path.stat().st_size < 5_000


APPEND = """
import sys
from pathlib import Path
from trainer.security import AuditLog
log = AuditLog(Path(sys.argv[1]), b"k" * 32)
for number in range(50):
    log.append("prompt.sent", {"number": number})
"""


def test_many_processes_write_one_chain(tmp_path):
    path = tmp_path / "audit.jsonl"
    workers = [subprocess.Popen([sys.executable, "-c", APPEND, path]) for _ in range(3)]

    assert [worker.wait() for worker in workers] == [0, 0, 0]
    audit = AuditLog(path, b"k" * 32).verify()
    assert (audit.entries, audit.faults) == (150, ())
