"""Every command that does something in a project leaves a record of it."""

from __future__ import annotations

import json

from trainer.cli.main import run


def test_each_command_leaves_a_record(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["init", "new", "--example", "blank"]) == 0
    monkeypatch.chdir(tmp_path / "new")
    (tmp_path / "new" / "in.json").write_text("{}")
    topic = "information/context/topic/01-introduction.md"
    commands = {
        "render": ["render", "overview", "-p", "NAME=A"],
        "checks": ["checks", topic],
        "security.scan": ["security", "scan", topic],
        "convert": ["convert", topic, "-t", "html", "-o", "a.html"],
        "store.put": ["store", "put", "a", "in.json"],
        "store.delete": ["store", "delete", "a"],
        "store.prune": ["store", "prune", "--keep-versions", "1"],
    }
    for words in commands.values():
        assert run(words) == 0
    capsys.readouterr()
    run(["mart", "executions", "--json"])
    operations = [record["operation"] for record in json.loads(capsys.readouterr().out)]

    assert sorted(operations) == sorted(commands)


def test_outside_of_a_project_nothing_is_recorded(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.md").write_text("# A\n")

    assert run(["convert", "a.md", "-t", "html", "-o", "a.html"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.md"]
