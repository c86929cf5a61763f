"""`trainer report --watch`, as the real command in a process of its own."""

import itertools
import json
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from servers.openai import OpenAIServer, Reply, Seen, openai_server
from trainer.actions.watch import changes


class Watcher:
    """A running watch: the lines it prints, each awaited."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def build(self, seconds: float = 60) -> dict[str, Any]:
        return json.loads(self._lines.get(timeout=seconds))

    def quiet(self, seconds: float) -> bool:
        try:
            self._lines.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def end(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        assert self.process.stderr is not None
        return code, self.process.stderr.read()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)


@pytest.fixture
def watch(trainer: Path, environment: dict[str, str]) -> Iterator[Callable[..., Watcher]]:
    running: list[Watcher] = []

    def start(folder: Path, *, before: Sequence[str] = ()) -> Watcher:
        command = [str(trainer), "-q", *before, "report", "--watch", "--json"]
        running.append(Watcher(command, folder, environment))
        return running[-1]

    yield start
    for watcher in running:
        watcher.process.kill()
        watcher.process.wait()


def statuses(build: dict[str, Any]) -> list[str]:
    return [report["status"] for report in build["reports"]]


def touch(path: Path, text: str = "\nMore.\n") -> None:
    path.write_text(path.read_text() + text)


def test_a_watch_builds_at_once_and_again_what_a_change_makes_stale(blank: Path, watch) -> None:
    context = next((blank / "information/context").rglob("*.md"))
    watcher = watch(blank)
    first = watcher.build()

    touch(context)
    second = watcher.build()

    assert (first["changed"], first["error"], statuses(first)) == ([], None, ["built"])
    assert (second["changed"], second["error"]) == ([context.relative_to(blank).as_posix()], None)
    assert statuses(second) == ["built"]
    assert [each["ingredient"] for each in second["reports"][0]["reasons"]] == ["contexts"]
    assert watcher.quiet(2)
    code, told = watcher.end(signal.SIGINT)
    assert (code, told.strip()) == (130, "error: interrupted; what was finished is kept")


def test_a_burst_of_changes_is_one_build(blank: Path, watch) -> None:
    watcher = watch(blank)
    watcher.build()

    notes = [blank / f"information/context/note-{number:02}.md" for number in range(20)]
    for note in notes:
        note.write_text("# Note\n\nWords.\n")

    assert watcher.build()["changed"] == [note.relative_to(blank).as_posix() for note in notes]
    assert watcher.quiet(2)


def test_output_state_and_what_editors_leave_are_no_changes(blank: Path, watch) -> None:
    watcher = watch(blank)
    watcher.build()

    for name in (
        "output/html/mine.html",
        ".trainer/mine",
        "notes.md",
        "information/.notes.md.swp",
        "information/.git/x",
        "information/a.md~",
    ):
        path = blank / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")

    assert watcher.quiet(2)


def test_a_broken_config_and_a_broken_instruction_are_told_and_waited_out(blank: Path, watch) -> None:
    config, instruction = blank / "config.yaml", blank / "information/instructions/overview.md"
    good_config, good_instruction = config.read_text(), instruction.read_text()
    config.write_text(good_config + "\nreprots: {}\n")
    watcher = watch(blank)
    builds = [watcher.build()]

    for path, text in (
        (config, good_config),
        (instruction, good_instruction.replace("params:", "nobody_knows: 1\nparams:", 1)),
        (instruction, good_instruction),
    ):
        path.write_text(text)
        builds.append(watcher.build())

    assert 'did you mean "reports"?' in builds[0]["error"]
    assert "nobody_knows" in builds[2]["error"]
    assert [statuses(build) for build in builds[1::2]] == [["built"], ["current"]]
    code, told = watcher.end(signal.SIGTERM)
    assert code == 130
    assert told.startswith(f"error: {builds[0]['error']}\n")


def test_a_config_that_goes_and_comes_back_is_waited_for(blank: Path, watch) -> None:
    config = blank / "config.yaml"
    watcher = watch(blank)
    watcher.build()

    config.rename(blank / "aside.yaml")
    gone = watcher.build()
    (blank / "aside.yaml").rename(config)

    assert "the project has no config.yaml" in gone["error"]
    assert statuses(watcher.build()) == ["current"]


def test_a_folder_replaced_by_another_is_watched_on(blank: Path, watch) -> None:
    watcher = watch(blank)
    watcher.build()
    shutil.copytree(blank / "information", blank / "next")

    shutil.rmtree(blank / "information")
    (blank / "next").rename(blank / "information")
    while "information" not in watcher.build()["changed"]:
        pass
    context = next((blank / "information/context").rglob("*.md"))
    touch(context)

    build = watcher.build()
    assert (build["changed"], statuses(build)) == ([context.relative_to(blank).as_posix()], ["built"])


def test_outside_a_project_a_watch_does_not_start(tmp_path: Path, run) -> None:
    done = run(tmp_path, "report", "--watch")

    assert done.returncode == 2
    assert "no config.yaml" in done.stderr


@pytest.mark.parametrize("wrong", [("--check",), ("--format", "htm")])
def test_a_watch_with_wrong_options_does_not_start(blank: Path, run, wrong: tuple[str, ...]) -> None:
    assert run(blank, "report", "--watch", *wrong).returncode == 2


def test_for_people_a_watch_tells_what_changed_and_what_was_built(
    blank: Path, trainer: Path, environment: dict[str, str]
) -> None:
    process = subprocess.Popen(
        [trainer, "report", "--watch"], cwd=blank, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    lines = [process.stdout.readline().decode() for _ in range(4)]
    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=60) == 130
    assert lines[0] == f"watching {blank}; Ctrl-C ends it\n"
    assert lines[2].split()[:3] == ["report", "status", "from"]
    assert lines[3].split()[:2] == ["overview", "built"]


def test_what_changes_while_the_caller_builds_comes_with_the_next_burst_and_not_before(blank: Path) -> None:
    context = next((blank / "information/context").rglob("*.md"))
    bursts = changes(blank, settle=0.05)
    found = [next(bursts)]

    for number in range(3):
        touch(context, f"\nChange {number}.\n")
        touch(blank / "config.yaml", "# more\n")
        time.sleep(0.3)
    found.append(next(bursts))
    bursts.close()

    assert found == [(), ("config.yaml", context.relative_to(blank).as_posix())]
    assert not [thread for thread in threading.enumerate() if "watchdog" in type(thread).__module__]


def test_a_change_during_a_build_is_built_after_it_and_two_builds_never_meet(blank: Path, watch) -> None:
    context = next((blank / "information/context").rglob("*.md"))
    arrived = threading.Semaphore(0)

    def answer(server: OpenAIServer, seen: Seen) -> Reply:
        arrived.release()
        return Reply(delay=2.0, content="## Summary\n\nWords.\n")

    with openai_server(answer) as server:
        settings = {"provider": "openai_compatible", "model": "m", "api_base": server.url}
        overrides = [f"--set=llm_provider.{key}={value}" for key, value in settings.items()]
        watcher = watch(blank, before=overrides)
        for number in range(2):
            assert arrived.acquire(timeout=60)
            touch(context, f"\nChange {number}.\n")
        builds = [watcher.build() for _ in range(3)]

        assert [statuses(build) for build in builds] == [["built"], ["built"], ["built"]]
        assert [len(build["changed"]) for build in builds] == [0, 1, 1]
        moments = [seen.at for seen in server.requests]
        assert len(moments) == 3
        assert all(later - earlier >= 2.0 for earlier, later in itertools.pairwise(moments))


def test_quiet_is_counted_from_the_last_change(blank: Path) -> None:
    note = blank / "information/context/note.md"
    bursts = changes(blank, settle=1.0)
    next(bursts)

    def write() -> None:
        for number in range(8):
            (note.parent / f"{number}.md").write_text("x")
            time.sleep(0.2)

    writer = threading.Thread(target=write)
    writer.start()
    burst = next(bursts)
    writer.join()
    bursts.close()

    assert len(burst) == 8
