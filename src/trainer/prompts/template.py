"""What of an instruction's body is filled in, and what stays as it is, byte for byte.

An instruction says so under `template:` in its front matter:

- `braces`: `{NAME}` is filled in where NAME is declared; every other brace stays, in JSON, LaTeX, a shell, Jinja …
- `jinja`: the body is a Jinja template, and `{NAME}` is filled in as well; a name nobody declared is an error;
- `plain`: nothing is filled in.

One that says nothing is read as `braces`, or as `jinja` where its `{{ … }}` and `{% … %}` are valid Jinja and name
nothing but what is declared. Where they name what is declared and something else beside it, nobody can know: an error
that names the line to add.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import replace
from difflib import get_close_matches

from trainer.core.errors import InstructionError, nearest
from trainer.prompts.braces import CONSTRUCT, NAME
from trainer.prompts.instruction import Instruction, Syntax

_ASK = "or say in the front matter what the braces are: `template: jinja` runs them, `template: braces` leaves them"
_RAW = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}")
_STRING = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
_WORD = re.compile(r"(?<![\w.$@#\\&])[A-Za-z_]\w*")
_ALONE = re.compile(r"\{\{[ \t]*([A-Za-z_]\w*)[ \t]*\}\}")


def syntax_of(instruction: Instruction, declared: Set[str]) -> Syntax:
    """How the body is to be read: as it says, else as what its constructs leave no doubt about.

    Raises InstructionError for a body that may be meant as Jinja and may be not.
    """
    if instruction.template:
        return instruction.template
    constructs = CONSTRUCT.findall(instruction.body)
    is_raw = "endraw" in instruction.body and any(_RAW.match(construct) for construct in constructs)
    is_meant = is_raw or any(_is_like(words_in(construct), declared) for construct in constructs)
    if not is_meant and not any(construct.startswith("{%") for construct in constructs):
        return "braces"
    from trainer.prompts import jinja

    problems = jinja.problems(instruction.body, declared, instruction.at)
    if not problems:
        return "jinja"
    if not is_meant:
        return "braces"
    hinted = [replace(problem, hint=f"{problem.hint}; {_ASK}") for problem in problems]
    raise InstructionError(hinted[0].message, problems=hinted)


def names_used(instruction: Instruction, syntax: Syntax) -> set[str]:
    """The names that the body may fill in."""
    if syntax == "plain":
        return set()
    names = set(NAME.findall(instruction.body))
    if syntax == "jinja":
        names.update(*(words_in(construct) for construct in CONSTRUCT.findall(instruction.body)))
    return names


def misspellings(body: str, syntax: Syntax, declared: Set[str]) -> list[tuple[str, str | None, int]]:
    """What stays as written though it may be meant: the words, the declared name they look like, and their offset.

    That is each `{NAME}` that looks much like a declared name and, where there is no Jinja, each `{{name}}` once.
    """
    if syntax == "plain":
        return []
    names = [
        (name[0], nearest(name[1], declared), name.start())
        for name in NAME.finditer(body)
        if name[1] not in declared and not body.startswith("{{", name.start() - 1)
    ]
    alone = {name[0]: (name[0], None, name.start()) for name in reversed([*_ALONE.finditer(body)])}
    once = alone.values() if syntax == "braces" else ()
    return sorted([*(name for name in names if name[1]), *once], key=lambda name: name[2])


def words_in(construct: str) -> set[str]:
    """The words a construct begins its paths with, those of Jinja itself among them."""
    return set(_WORD.findall(_STRING.sub("", construct)))


def _is_like(words: Set[str], declared: Set[str]) -> bool:
    """Whether a word is a declared name or a misspelling of one; a longer name has more letters to be like it by."""
    return bool(words & declared) or any(get_close_matches(word, declared, n=1, cutoff=0.8) for word in words)
