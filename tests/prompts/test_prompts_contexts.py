"""Which contexts an instruction gets, in which order, and what is refused."""

import random
from pathlib import Path

import pytest

from trainer.core.errors import InstructionError
from trainer.prompts import open_contexts, parse_instruction, resolve_params, select_contexts
from trainer.prompts.contexts import list_files

FILES = {
    "biotech/01-introduction.md": "# Introduction\n\nText.\n\n## More\n\n```sh\n# no heading\n```\n",
    "biotech/02-phases.md": "---\ntitle: The phases\ntags: [trials, fda]\npriority: 5\n---\n"
    "Intro.\n\n### Deep\n\n# Shallow\n",
    "biotech/03-copy.md": "# Introduction\n\nText.\n\n## More\n\n```sh\n# no heading\n```\n",
    "biotech/deep/er/x.md": "No heading at all.\n",
    "pharma/notes.md": "Title\n=====\n\nA\n\nSub\n---\n\nB\n",
}


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / "information" / "context" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tree(tmp_path, FILES)


def select(project: Path, text: str, list_files=list_files, **given: str):
    instruction = parse_instruction(text, shown="i.md", root=project)
    params = resolve_params(instruction, given)
    folder = open_contexts(project / "information/context", root=project, list_files=list_files)
    return select_contexts(instruction, params, folder=folder)


def listed(*patterns: str) -> str:
    return "---\nparams: {TOPIC: {default: biotech}}\ncontexts:\n" + "".join(f'- "{p}"\n' for p in patterns) + "---\n"


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["pharma/notes.md", "biotech/01-introduction.md"], ["pharma/notes.md", "biotech/01-introduction.md"]),
        (["biotech/02-phases"], ["biotech/02-phases.md"]),
        (["biotech/*.md"], ["biotech/01-introduction.md", "biotech/02-phases.md"]),
        (["biotech/02*", "biotech/*.md"], ["biotech/02-phases.md", "biotech/01-introduction.md"]),
        (
            ["**/*.md"],
            ["biotech/01-introduction.md", "biotech/02-phases.md", "biotech/deep/er/x.md", "pharma/notes.md"],
        ),
        (["**/x.md"], ["biotech/deep/er/x.md"]),
        (["biotech/**"], ["biotech/01-introduction.md", "biotech/02-phases.md", "biotech/deep/er/x.md"]),
        (["biotech/deep"], ["biotech/deep/er/x.md"]),
        (["information/context/pharma/notes.md"], ["pharma/notes.md"]),
        (["context/pharma/notes.md"], ["pharma/notes.md"]),
        (["{TOPIC}/0[12]-*.md"], ["biotech/01-introduction.md", "biotech/02-phases.md"]),
    ],
)
def test_the_list_gives(project, patterns, expected):
    assert [context.path for context in select(project, listed(*patterns))] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Read `information/context/pharma/notes.md`.", ["pharma/notes.md"]),
        ("Read context/pharma/notes.md, then biotech/02-phases.md.", ["pharma/notes.md", "biotech/02-phases.md"]),
        ("See [notes](../../context/pharma/notes.md).", ["pharma/notes.md"]),
        ("All of information/context/biotech/0*.md", ["biotech/01-introduction.md", "biotech/02-phases.md"]),
        ("context/{TOPIC}/02-phases.md", ["biotech/02-phases.md"]),
        ("Save it as output/report/x.md; see https://x.org/context/pharma/notes.md and notes.md", []),
        ("{TOPIC}", []),
    ],
)
def test_the_text_mentions(project, text, expected):
    body = f"---\nparams: {{TOPIC: {{default: biotech}}}}\n---\n{text}\n"

    assert [context.path for context in select(project, body)] == expected


def test_a_value_never_brings_a_context_in(project):
    body = "---\nparams: {TOPIC: {}}\n---\nAbout {TOPIC}.\n"

    assert select(project, body, TOPIC="context/pharma/notes.md") == ()


def test_front_matter_is_used_and_left_out(project):
    (context,) = select(project, listed("biotech/02-phases.md"))

    assert (context.title, context.tags, context.priority) == ("The phases", ("trials", "fda"), 5)
    assert context.text == "## The phases\n\nIntro.\n\n##### Deep\n\n### Shallow\n"


def test_headings_are_shifted_but_not_those_in_code(project):
    (context,) = select(project, listed("biotech/01-introduction.md"))

    assert context.text == "## Introduction\n\nText.\n\n### More\n\n```sh\n# no heading\n```\n"


def test_underlined_headings_are_shifted_too(project):
    (context,) = select(project, listed("pharma/notes.md"))

    assert (context.title, context.text) == ("Title", "## Title\n\nA\n\n### Sub\n\nB\n")


def test_a_context_without_a_heading_is_named_for_its_file(project):
    (context,) = select(project, listed("biotech/deep/er/x.md"))

    assert context.text == "## X\n\nNo heading at all.\n"


def test_a_thousand_shuffled_listings_give_the_same_bytes(project):
    tree(project, {f"many/{n:02}-{'abc'[n % 3]}.md": f"# Number {n % 9}\n" for n in range(12)})
    shuffler = random.Random(7)
    text = listed("many/*-b.md", "**/*.md", "pharma/notes.md")
    expected = select(project, text)

    def shuffled(folder: Path) -> list[str]:
        names = list_files(folder)
        shuffler.shuffle(names)
        return names

    assert [context.path for context in expected][:4] == [
        "many/01-b.md",
        "many/04-b.md",
        "many/07-b.md",
        "biotech/01-introduction.md",
    ]
    assert all(select(project, text, list_files=shuffled) == expected for _ in range(1000))


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("../secret.md", "i.md:4:3: leads out of the context folder: ../secret.md"),
        ("biotech/../../../x.md", "leads out of the context folder"),
        ("/etc/passwd", "leads out of the context folder: /etc/passwd"),
        ("..\\\\secret.md", "leads out of the context folder"),
        ("{TOPIC}/x.md", "leads out of the context folder: ../x.md"),
        ("link.md", "a symbolic link leads out of the context folder: link.md"),
        ("linked/passwd.md", "a symbolic link leads out of the context folder: linked/passwd.md"),
        (
            "biotech/01-introductoin.md",
            'no context biotech/01-introductoin.md\n  did you mean "biotech/01-introduction.md"?',
        ),
        ("bioteck/*.md", 'no context bioteck/*.md\n  did you mean "biotech"?'),
    ],
)
def test_a_path_that_is_not_a_context_is_refused(project, pattern, message):
    folder = project / "information/context"
    (project / "secret.md").write_text("secret")
    (project / "outside").mkdir()
    (project / "outside" / "passwd.md").write_text("secret")
    (folder / "link.md").symlink_to(project / "secret.md")
    (folder / "linked").symlink_to(project / "outside")

    with pytest.raises(InstructionError) as caught:
        select(project, listed(pattern), TOPIC="..")

    assert message in str(caught.value)


def test_a_glob_passes_links_that_lead_out_by(project):
    (project / "secret.md").write_text("secret")
    (project / "information/context/pharma/link.md").symlink_to(project / "secret.md")

    assert [context.path for context in select(project, listed("pharma/*"))] == ["pharma/notes.md"]


def test_all_broken_references_are_told_at_once(project):
    with pytest.raises(InstructionError) as caught:
        select(project, listed("a.md", "pharma/notes.md", "b.md") + "See context/pharma/note.md.\n")

    assert [str(problem.where) for problem in caught.value.problems] == ["i.md:4:3", "i.md:6:3", "i.md:8:5"]
    assert caught.value.problems[2].hint == 'did you mean "pharma/notes.md"?'


def test_an_include_is_replaced_by_the_file(project):
    tree(
        project,
        {
            "a/main.md": '# Main\n\n{% include "part.md" %}\n\nafter\n\n```\n{% include "part.md" %}\n```\n',
            "a/part.md": "---\ntitle: ignored\n---\n## Part\n\n{% include 'pharma/short.md' %}\n",
            "pharma/short.md": "short\n",
        },
    )

    (context,) = select(project, listed("a/main.md"))

    assert context.text == '## Main\n\n### Part\n\nshort\n\nafter\n\n```\n{% include "part.md" %}\n```\n'


def test_a_change_of_an_included_file_changes_the_digest(project):
    tree(project, {"a/main.md": '{% include "part.md" %}\n', "a/part.md": "one\n"})
    before = select(project, listed("a/main.md"))[0].digest
    tree(project, {"a/part.md": "two\n"})

    assert select(project, listed("a/main.md"))[0].digest != before


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"a/1.md": '{% include "2.md" %}\n', "a/2.md": 'x\n\n{% include "1.md" %}\n'},
            "information/context/a/2.md:3:13: includes go round in a circle: a/1.md -> a/2.md -> a/1.md",
        ),
        ({"a/1.md": '{% include "1.md" %}\n'}, "includes go round in a circle: a/1.md -> a/1.md"),
        ({"a/1.md": '{% include "../../x.md" %}\n'}, "a/1.md:1:13: leads out of the context folder: ../../x.md"),
        ({"a/1.md": '{% include "/etc/passwd" %}\n'}, "leads out of the context folder: /etc/passwd"),
        (
            {"a/1.md": '\n  {% include "pharma/note.md" %}\n'},
            'a/1.md:2:15: includes a file that does not exist: pharma/note.md\n  did you mean "pharma/notes.md"?',
        ),
        (
            {f"a/{n}.md": f'{{% include "{n + 1}.md" %}}\n' for n in range(1, 13)},
            "a/10.md:1:13: includes are nested more than 10 deep",
        ),
        ({"a/1.md": "---\ntitle: [\n---\n"}, "information/context/a/1.md:3:1: not valid YAML"),
        ({"a/1.md": "---\npriority: high\n---\n"}, 'a/1.md:2:11: "priority" must be a whole number'),
    ],
)
def test_a_broken_context_is_an_error_with_its_place(project, files, message):
    tree(project, files)

    with pytest.raises(InstructionError) as caught:
        select(project, listed("a/1.md"))

    assert message in str(caught.value)


def test_a_context_that_is_not_utf8_is_an_error_with_its_place(project):
    (project / "information/context/bad.md").write_bytes(b"ab\n\xff")

    with pytest.raises(InstructionError, match=r"information/context/bad\.md:2:1: not UTF-8"):
        select(project, listed("bad.md"))


def test_an_opened_folder_reads_each_file_once(project):
    folder = open_contexts(project / "information/context", root=project)
    instruction = parse_instruction(listed("biotech/*.md"), shown="i.md", root=project)
    first = select_contexts(instruction, {}, folder=folder)
    (project / "information/context/biotech/02-phases.md").unlink()

    assert select_contexts(instruction, {}, folder=folder) == first


def test_problems_of_one_selection_do_not_reach_the_next(project):
    folder = open_contexts(project / "information/context", root=project)
    with pytest.raises(InstructionError):
        select_contexts(parse_instruction(listed("nowhere.md"), shown="i.md", root=project), {}, folder=folder)

    assert select_contexts(parse_instruction("x", shown="i.md", root=project), {}, folder=folder) == ()
