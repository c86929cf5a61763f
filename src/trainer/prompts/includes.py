"""Includes: a line `{% include "part.md" %}` of a context is replaced by that file's body.

The path counts from the including file's folder, else from the context folder, and never leads out of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from trainer.core.digest import digest, digest_bytes
from trainer.core.errors import Problem, UsageError, Where, nearest
from trainer.core.files import read_text
from trainer.core.frontmatter import split_front_matter
from trainer.core.values import Context
from trainer.core.yamltext import YamlDocument
from trainer.prompts import markdown
from trainer.prompts.titles import TextOf, context_text

KEYS = ("title", "tags", "priority", "description")
DEEPEST = 10

_INCLUDE = re.compile(
    r'^[ \t]*\{%[-+]?[ \t]*include[ \t]+(?:"([^"\n]+)"|\'([^\'\n]+)\')[ \t]*[-+]?%\}[ \t]*$', re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Included:
    """A file with everything it includes."""

    text: str
    """Its body; front matter, its own and that of its parts, is left out."""
    digest: str
    """Of the file's bytes; where it includes others, of theirs too."""
    files: tuple[str, ...]
    """The file and all it includes, relative to the folder."""
    front: YamlDocument | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """The files below a context folder as they are now: listed once, each read once."""

    path: Path
    shown: str
    """The folder as errors name it."""
    names: tuple[str, ...]
    """All Markdown files below it, sorted; what a symbolic link leads out of the folder is not among them."""
    problems: list[Problem] = field(default_factory=list)
    contexts: dict[str, Context] = field(default_factory=dict)
    """Those already made, by name."""
    text_of: TextOf = context_text
    """Makes the text of a context."""

    def reading(self) -> Folder:
        """The same folder for one more reader, who keeps problems apart."""
        return replace(self, problems=[])

    def where(self, name: str, line: int | None = None, column: int | None = None) -> Where:
        """A place in a file of the folder."""
        return Where(f"{self.shown}/{name}", line, column)

    def load(self, name: str, *, around: tuple[str, ...] = ()) -> Included | None:
        """The file with what it includes; None where it cannot be read, and the problem is kept."""
        where = self.where(name)
        try:
            text = read_text(self.path / name, shown=where.path)
        except UsageError as error:
            self.problems.extend(error.problems)
            return None
        parts = split_front_matter(text, shown=where.path, keys=KEYS)
        if parts.slip:
            self.problems.append(parts.slip)
            return None
        digests, files = [digest_bytes(text.encode())], [name]
        code = markdown.code_lines(parts.body) if _INCLUDE.search(parts.body) else set()

        def part(line: re.Match[str]) -> str:
            number = parts.body.count("\n", 0, line.start())
            if number + 1 in code:
                return line[0]
            column = line.start(1 if line[1] else 2) - parts.body.rfind("\n", 0, line.start())
            place = self.where(name, parts.body_line + number, column)
            included = self.include(line[1] or line[2], place, (*around, name))
            if included is None:
                return ""
            digests.append(included.digest)
            files.extend(included.files)
            return included.text.strip("\n")

        body = _INCLUDE.sub(part, parts.body)
        made_of = digests[0] if len(digests) == 1 else digest(digests)
        return Included(body, made_of, tuple(files), parts.front)

    def include(self, target: str, where: Where, around: tuple[str, ...]) -> Included | None:
        """What an include line in the last of the files `around` stands for."""
        candidates = [_join(PurePosixPath(around[-1]).parent, target), _join(PurePosixPath(), target)]
        name = next((path for path in candidates if path in self.names), None)
        if name is None:
            escapes = None in candidates or target.startswith("/")
            hint = "keep it below the context folder" if escapes else _nearest(target, self.names)
            problem = "leads out of the context folder" if escapes else "includes a file that does not exist"
            self.say(f"{problem}: {target}", where, hint)
            return None
        if name in around:
            self.say(f"includes go round in a circle: {' -> '.join([*around, name])}", where)
            return None
        if len(around) >= DEEPEST:
            self.say(f"includes are nested more than {DEEPEST} deep", where)
            return None
        return self.load(name, around=around)

    def say(self, message: str, where: Where | None, hint: str | None = None) -> None:
        """Keeps a problem."""
        self.problems.append(Problem(message, where, hint))


def open_folder(path: Path, *, shown: str, list_files: Callable[[Path], list[str]]) -> Folder:
    """The folder with its files listed, in an order that does not depend on the file system."""
    home = path.resolve()
    names = sorted(name for name in list_files(path) if (path / name).resolve().is_relative_to(home))
    return Folder(path, shown, tuple(names))


def _join(folder: PurePosixPath, target: str) -> str | None:
    """`target` seen from `folder`, or None where it leads out of the top."""
    parts: list[str] = []
    for part in (*folder.parts, *PurePosixPath(target).parts):
        if part == "/" or (part == ".." and not parts):
            return None
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _nearest(name: str, names: tuple[str, ...]) -> str | None:
    close = nearest(name, names)
    return f'did you mean "{close}"?' if close else None
