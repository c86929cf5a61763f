"""The room as two objects, its cache and its versions."""

import os
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trainer.core.errors import InstructionError, RefusedError, UsageError
from trainer.core.values import Context, DataBlock, StoredData
from trainer.prompts import PromptManager, PromptTemplate, parse_instruction, render
from trainer.prompts.cache import PromptCache
from trainer.prompts.versions import compare, keep_version, list_versions, load_version, version_of

MOMENT = datetime(2025, 2, 14, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = MOMENT

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {
        "information/context/biotech/01-introduction.md": "# Introduction\n\nText.\n",
        "information/context/biotech/02-copy.md": "# Introduction\n\nText.\n",
        "information/context/pharma.md": "# Pharma\n\n## Sales\n\nText.\n",
        "information/instructions/one.md": (
            "---\nparams: {NAME: {}}\ncontexts: [pharma.md]\n---\n"
            "Write about {NAME} with `information/context/biotech/01-introduction.md` into output/report/x.md.\n"
        ),
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_template_is_filled_in():
    assert PromptTemplate("Hello {name}! {not}").fill_template({"name": "World"}) == "Hello World! {not}"


def test_objects_among_the_parameters_become_data():
    filled = PromptTemplate("See {{ data.price }}:\n{data}\n").fill_template({"data": {"price": 5}})

    assert filled == 'See 5:\n\n```json data\n{\n  "price": 5\n}\n```\n\n'


def test_a_template_names_its_contexts(project):
    template = PromptManager(root=project).load_prompt("one")

    assert template.get_context_refs() == ["pharma.md", "information/context/biotech/01-introduction.md"]


def test_the_journey_of_the_specification(project):
    manager = PromptManager(root=project)
    instruction = manager.load_prompt("one.md")
    contexts = manager.load_contexts(instruction.get_context_refs())

    prompt = manager.compose([contexts, instruction.fill_template({"NAME": "AbbVie"})])

    assert contexts == "## Pharma\n\n### Sales\n\nText.\n\n## Introduction\n\nText.\n"
    assert prompt == contexts + (
        "\nWrite about AbbVie with `information/context/biotech/01-introduction.md` into output/report/x.md.\n"
    )


def test_contexts_are_merged_once_each(project):
    assert PromptManager(root=project).load_contexts(["biotech/*.md"]) == "## Introduction\n\nText.\n"


def test_broken_contexts_are_told_at_once(project):
    with pytest.raises(InstructionError) as caught:
        PromptManager(root=project).load_contexts(["pharm.md", "../x.md"])

    assert [problem.message for problem in caught.value.problems] == [
        "no context pharm.md",
        "leads out of the context folder: ../x.md",
    ]


class Verdict:
    def __init__(self, errors: list[str]) -> None:
        self.errors = errors
        self.is_safe = not errors


class Guard:
    def validate(self, user_input):
        return Verdict([f"{name}: refused" for name, value in user_input.items() if value == "bad"])

    def escape(self, text: str) -> str:
        return text.replace("<", "(")


def test_a_security_module_cleans_and_refuses():
    manager = PromptManager(security_module=Guard())
    template = PromptTemplate("Hello {name}!")

    assert manager.fill_template(template, {"name": "<World"}) == "Hello (World!"
    with pytest.raises(RefusedError, match="name: refused"):
        manager.fill_template(template, {"name": "bad"})


class Store:
    def retrieve(self, key: str) -> StoredData | None:
        data = {"price": 5} if key == "s:ABBV:quote" else None
        return data and StoredData(key, data, "s", MOMENT, MOMENT, {}, 3)


def test_data_named_by_key_comes_from_the_store():
    manager = PromptManager(data_store=Store())
    template = PromptTemplate(
        '---\nparams: {T: {}}\ndata: {quote: "s:{T}:quote"}\n---\n{T}: {{ quote.price }} {% raw %}{% endraw %}'
    )

    filled = manager.fill_template(template, {"T": "ABBV"})

    assert "ABBV: 5" in filled
    with pytest.raises(InstructionError, match="there is no data for quote"):
        manager.fill_template(template, {"T": "BFLY"})


def test_validation_tells_errors_from_warnings(project):
    manager = PromptManager(root=project)

    result = manager.validate("---\nparams: {NAME: {}, OTHER: {}}\n---\n{NAME} {NAMES} {{ OTHR }}\n")

    assert not result.is_valid
    assert result.errors == ['-:4:19: unknown name "OTHR" in Jinja']
    assert result.warnings == [
        "-:2:20: parameter OTHER is declared and nowhere used",
        "-:4:8: {NAMES} names nothing declared and stays as it is",
    ]
    assert [one.kind for one in result.findings] == ["unused_parameter", "undeclared_name", "template"]
    assert manager.validate(manager.load_prompt("one")).findings == ()
    assert [one.kind for one in manager.validate(manager.load_prompt("one"), {}).findings] == ["missing_parameter"]
    assert [str(one.where) for one in manager.validate("---\ntitel: x\ntitle: y\n---\n").findings] == ["-:2:1"]


def test_a_cached_text_is_given_back_until_its_time_is_over():
    clock = Clock()
    manager = PromptManager(clock=clock, cache_ttl=100)
    manager.cache_prompt("a", "text")
    manager.cache_prompt("b", "text", 10)
    clock.wait(10)

    assert (manager.get_cached("a"), manager.get_cached("b"), manager.get_cached("c")) == ("text", None, None)
    clock.wait(90)
    assert manager.get_cached("a") is None


def test_the_least_recently_used_text_goes_first():
    cache = PromptCache(size=2)
    for name in "ab":
        cache.put(name, name)
    cache.get("a")
    cache.put("c", "c")

    assert [cache.get(name) for name in "abc"] == ["a", None, "c"]
    assert len(cache) == 2


@pytest.mark.parametrize("edit", ["same size", "other size", "removed", "same time"])
def test_a_changed_file_makes_a_text_invalid(tmp_path, edit):
    file = tmp_path / "a.md"
    file.write_text("one")
    cache = PromptCache(ttl=None)
    cache.put("p", "text", files=[file])
    before = file.stat()
    assert cache.get("p") == "text"

    if edit == "removed":
        file.unlink()
    else:
        file.write_text("a longer text" if edit == "other size" else "two")
    if edit == "same time":
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert cache.get("p") is None
    file.write_text("one")
    assert cache.get("p") is None


def test_a_new_file_in_a_watched_folder_makes_a_text_invalid(tmp_path):
    cache = PromptCache()
    cache.put("p", "text", files=[tmp_path])
    (tmp_path / "new.md").write_text("x")

    assert cache.get("p") is None


def test_a_hit_is_never_stale_beside_a_writer(tmp_path):
    file = tmp_path / "a.md"
    file.write_text("0")
    cache = PromptCache()
    stop = threading.Event()
    written = [0]

    def write() -> None:
        while not stop.is_set():
            written[0] += 1
            temporary = tmp_path / "tmp"
            temporary.write_text(str(written[0]))
            temporary.replace(file)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(300):
            floor = int(file.read_text())
            if (hit := cache.get("p")) is not None:
                assert int(hit) >= floor
            stamp = cache.stamp([file])
            cache.put("p", file.read_text(), files=[file], stamp=stamp)
    finally:
        stop.set()
        writer.join()


INSTRUCTION = parse_instruction(
    "---\nparams: {A: {}}\nmodel: {temperature: 0}\noutput: {sections: [S]}\n---\nWrite about {A}.\nBe brief.\n",
    shown="one.md",
    root=Path(),
)
CONTEXTS = (Context("a.md", "A", "## A\n\nold line\n", "1" * 64), Context("b.md", "B", "## B\n", "2" * 64))
BLOCK = DataBlock("quote", "s:ABBV:quote", 1, "s", MOMENT, {"price": 5}, "d" * 64)


def prompt(instruction=INSTRUCTION, contexts=CONTEXTS, block=BLOCK, **params: object):
    return render(
        instruction,
        params={"A": "x", **params},
        contexts=contexts,
        data={"quote": block},
        clean=str,
        fence=lambda one: f"{one.name}\n{one.data}",
    )


@pytest.mark.parametrize(
    ("changed", "told", "lines"),
    [
        (prompt(), [], []),
        (prompt(A="y"), ["parameter A changed: x -> y"], []),
        (
            prompt(replace(INSTRUCTION, body="Write about {A}.\nBe long.\n", digest="f" * 64)),
            [f"template one.md changed: {INSTRUCTION.digest[:12]} -> ffffffffffff"],
            ["@@ -2,3 +2,3 @@", " Write about x.", "-Be brief.", "+Be long.", " </instruction>"],
        ),
        (prompt(replace(INSTRUCTION, model={"temperature": 1})), ["model temperature changed: 0 -> 1"], []),
        (prompt(replace(INSTRUCTION, model={})), ["model temperature removed"], []),
        (
            prompt(contexts=(replace(CONTEXTS[0], text="## A\n\nnew line\n", digest="3" * 64), CONTEXTS[1])),
            ["context a.md changed: 111111111111 -> 333333333333"],
            ["@@ -6,3 +6,3 @@", " ", "-old line", "+new line", " </context>"],
        ),
        (prompt(contexts=CONTEXTS[::-1]), ["context order changed: a.md, b.md -> b.md, a.md"], []),
        (
            prompt(block=replace(BLOCK, version=2, data={"price": 6}, digest="e" * 64)),
            ["data quote changed: s:ABBV:quote@1 -> s:ABBV:quote@2"],
            ["@@ -5,3 +5,3 @@", " quote", "-{'price': 5}", "+{'price': 6}", " </data_blocks>"],
        ),
    ],
)
def test_what_changed_between_two_versions_is_told(changed, told, lines):
    changes = compare(version_of(prompt()), version_of(changed))

    assert [str(change) for change in changes] == told
    assert [line for change in changes for line in change.lines] == lines


def test_versions_are_kept_by_digest_and_found_by_its_start(tmp_path):
    first, second = keep_version(prompt(), folder=tmp_path), keep_version(prompt(A="y"), folder=tmp_path)
    keep_version(prompt(), folder=tmp_path)

    assert load_version(first.id[:8], folder=tmp_path) == first
    assert first.text == prompt().text
    assert {version.id for version in list_versions(tmp_path)} == {first.id, second.id}
    assert list_versions(tmp_path, instruction="two.md") == []


@pytest.mark.parametrize(
    ("name", "message"), [("0", "unknown version"), ("", "unknown version"), ("*", "unknown version")]
)
def test_an_unknown_version_is_an_error(tmp_path, name, message):
    keep_version(prompt(), folder=tmp_path)

    with pytest.raises(UsageError, match=message):
        load_version(name + "zz" * bool(name.isalnum()), folder=tmp_path)


def test_an_ambiguous_version_names_the_candidates(tmp_path):
    versions = [keep_version(prompt(A=str(number)), folder=tmp_path) for number in range(40)]
    letter = max("0123456789abcdef", key=lambda one: sum(version.id.startswith(one) for version in versions))

    with pytest.raises(UsageError, match=f'more than one prompt starts with "{letter}"'):
        load_version(letter, folder=tmp_path)


def test_the_manager_keeps_lists_and_compares(project):
    manager = PromptManager(root=project)
    old, new = manager.keep(prompt()), manager.keep(prompt(A="y"))

    assert [version.id for version in manager.versions("one")] == [old.id, new.id]
    assert [str(change) for change in manager.diff(old.id[:12], new)] == ["parameter A changed: x -> y"]
