import pytest

from trainer.core.frontmatter import split_front_matter

KEYS = ("title", "params", "tags")


@pytest.mark.parametrize("opening", ["---\n", "\ufeff---\n", "---  \n"])
@pytest.mark.parametrize("closing", ["---\n", "...\n", "--- \n", "---"])
def test_a_mapping_between_rules_is_front_matter(opening: str, closing: str) -> None:
    parts = split_front_matter(f"{opening}title: A\ntags: [x]\n{closing}", keys=KEYS)

    assert (parts.meta, parts.body, parts.body_line, parts.slip) == (
        {"title": "A", "tags": ["x"]},
        "",
        4 + closing.endswith("\n"),
        None,
    )


def test_blank_lines_may_stand_before_it_and_every_line_is_counted() -> None:
    parts = split_front_matter("\n \n---\ntitle: A\n---\nBody.\n", keys=KEYS)

    assert (parts.meta, parts.body, parts.body_line) == ({"title": "A"}, "Body.\n", 6)
    assert str(parts.front and parts.front.where("title")) == "document.md:4:8"


def test_numbers_keep_their_spelling() -> None:
    assert split_front_matter("---\ntitle: 1.10\nzip: 007\nyear: 2024\n---\n").meta == {
        "title": "1.10",
        "zip": "007",
        "year": 2024,
    }


@pytest.mark.parametrize(
    ("text", "slip"),
    [
        (
            "---\ntitle: A\n--\nBody.\n",
            'f.md:1: the front matter is not closed\n  line 3 reads "--": write --- there',
        ),
        (
            "---\ntitle: A\n----\nBody.\n\n---\n",
            'f.md:1: the front matter is not closed\n  line 3 reads "----": write --- there',
        ),
        (
            "\n---\n# note\ntitle: A\n\nBody.\n",
            "f.md:2: the front matter is not closed\n  write --- on a line of its own below its last key",
        ),
        (
            "---\n# title: A\n---\nBody.\n",
            "f.md:1: the front matter holds only comments\n  take the # from a key, or remove the block",
        ),
        (
            "<!-- a note -->\n---\ntitle: A\n---\nBody.\n",
            "f.md:2: front matter must be the first thing in a file\n  move the block to the top",
        ),
        ("--\ntitle: A\n--\nBody.\n", 'f.md:1: front matter is opened by ---, not by "--"\n  write --- there'),
        ("+++\ntitle: A\n+++\n", 'f.md:1: front matter is opened by ---, not by "+++"\n  write --- there'),
        ("---\ntitle: [A\n---\n", "f.md:3:1: not valid YAML: did not find expected ',' or ']'"),
    ],
)
def test_a_slip_is_told_with_its_line_and_what_to_write(text: str, slip: str) -> None:
    parts = split_front_matter(text, shown="f.md", keys=KEYS)

    assert str(parts.slip) == slip
    assert (parts.front, parts.body) == (None, text)


@pytest.mark.parametrize(
    "text",
    [
        "---\nA sentence between rules.\n---\n",
        "---\n\n---\n",
        "Words.\n\n---\n\ntitle: not a block\n",
        "Words.\n\n---\nsource: a key of others\n---\n",
        "```\n---\ntitle: shown as code\n---\n```\n",
        "---\n- a\n- b\n---\n",
        "--- \nAfter a rule.\n",
        "",
        "---",
    ],
)
def test_rules_and_code_are_text(text: str) -> None:
    parts = split_front_matter(text, keys=KEYS)

    assert (parts.front, parts.body, parts.slip) == (None, text, None)


@pytest.mark.parametrize(
    "text", ["---\n# A heading\n---\n", "---\n\n# A\n\nb: c\n", "\n---\n\nWords: and more.\n", "----\n"]
)
def test_in_any_document_a_heading_between_rules_is_text(text: str) -> None:
    assert split_front_matter(text).slip is None


@pytest.mark.parametrize("text", ["---\ntitle: A\n\nWords.\n", "\n---\ntitle: A\n---\n", "---\n# title: A\n---\n"])
def test_in_any_document_what_looks_like_front_matter_is_told(text: str) -> None:
    assert split_front_matter(text).slip is not None


def test_in_any_document_a_colon_in_a_value_does_not_break_its_pairs() -> None:
    assert split_front_matter('---\ntitle: A: B\nname: "C"\n---\n').meta == {"title": "A: B", "name": "C"}


def test_a_long_text_of_openings_is_read_in_linear_time() -> None:
    assert split_front_matter("x\n" + "---\ntitle: a\n" * 50_000, keys=KEYS).front is None
