"""Files side by side in processes with limits, files that settle, contents that are known, rows that wait for a fix."""

import json
import os
import threading
import time

from trainer.ingest import ExtractJob, Ledger, LedgerEntry, Quarantine, extract_content, extract_files
from trainer.ingest.settle import list_files, settled_files


def test_a_file_that_takes_too_long_or_ends_its_reader_stops_no_other(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")  # nobody ever writes to it
    (tmp_path / "good.json").write_text('{"a": 1}')
    jobs = [ExtractJob(tmp_path / name, name) for name in ("pipe.csv", "good.json")]

    results = {job.shown: extract for job, extract in extract_files(jobs, tables=tmp_path, workers=2, seconds=6)}

    assert "too long" in results["pipe.csv"].error
    assert results["good.json"].data == {"a": 1}


def test_hidden_and_unfinished_files_are_passed_by(tmp_path):
    for name in ("b.csv", "a.txt", ".hidden", "c.csv.part", "d~", "~$e.docx"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "f").write_text("x")

    assert [path.name for path in list_files([tmp_path])] == ["a.txt", "b.csv"]


def test_a_copy_under_way_is_not_read_and_a_moved_file_comes_once_it_rests(tmp_path):
    stop = threading.Event()
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "first.csv").write_text("a,b\n1,2\n")
    batches = settled_files([folder], settle=0.3, stop=stop)

    assert [path.name for path in next(batches)] == ["first.csv"]

    started = time.monotonic()

    def copy():
        for piece in range(5):
            with (folder / "slow.csv").open("a") as file:
                file.write(f"{piece},x\n")
            time.sleep(0.2)
        (tmp_path / "moved.csv").write_text("c,d\n3,4\n")
        (tmp_path / "moved.csv").rename(folder / "moved.csv")

    copying = threading.Thread(target=copy)
    copying.start()
    settled: list[str] = []
    while len(settled) < 2 and time.monotonic() - started < 20:
        settled += [path.name for path in next(batches)]
        if settled == ["slow.csv"]:
            assert (folder / "slow.csv").read_text().count("\n") == 5
    copying.join()
    stop.set()

    assert sorted(settled) == ["moved.csv", "slow.csv"]


def test_the_ledger_knows_contents_and_untouched_files_after_a_restart(tmp_path):
    Ledger(tmp_path / "files.jsonl").add([LedgerEntry("d1", "in/a.csv", 10, 99, {"table": "x"})])
    with (tmp_path / "files.jsonl").open("ab") as file:
        file.write(b'{"digest": "torn')  # the process was killed here

    ledger = Ledger(tmp_path / "files.jsonl")

    ledger.add([LedgerEntry("d2", "in/ä.csv", 11, 99, {"table": "ö"}), LedgerEntry("d3", "in/c.csv", 12, 99, {})])

    assert ledger.of_content("d1").outcome == {"table": "x"}
    assert [one.file for one in ledger.entries()] == ["in/a.csv", "in/ä.csv", "in/c.csv"]
    assert ledger.entries() == Ledger(tmp_path / "files.jsonl").entries()
    assert ledger.of_file("in/a.csv", 10, 99) is not None
    assert ledger.of_file("in/a.csv", 11, 99) is None


def test_quarantined_rows_are_replayed_after_a_fix(tmp_path):
    extract = extract_content(b"id;zip;price\n1;01234;1,50\n2;90210;2,75\n3;10001;3,00\n4;x\n5;y\n", "a.csv")
    quarantine = Quarantine(tmp_path)
    quarantine.keep(extract)
    (path,) = tmp_path.glob("*.jsonl")
    path.write_text(path.read_text().replace('"raw":"4;x"', '"raw":"4;00501;4,25"'))

    (replayed,) = quarantine.replay()
    quarantine.settle(extract.digest, [replayed])

    assert replayed.records == ({"id": 4, "zip": "00501", "price": 4.25},)
    assert [json.loads(line)["raw"] for line in path.read_text().splitlines()[1:]] == ["5;y"]
