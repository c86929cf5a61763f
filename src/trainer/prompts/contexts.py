"""The contexts an instruction builds on: by path, by glob, and by the paths its text mentions."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

from trainer.core.errors import InstructionError, Problem, Where, nearest
from trainer.core.values import Context, Json
from trainer.core.yamltext import YamlDocument
from trainer.prompts.includes import Folder, Included, open_folder
from trainer.prompts.instruction import Instruction
from trainer.prompts.params import fill_names, names_in
from trainer.prompts.titles import TextOf, context_text

_MENTION = re.compile(r"(?<![\w.:/{}\\~@-])((?:\.\./)+|\./)?((?:[\w{}.*-]+/)*[\w{}.*-]+\.md)\b(?!/)")


def list_files(folder: Path) -> list[str]:
    """All Markdown files below `folder`, in the order the file system gives them; hidden ones are left out."""
    relative = []
    for current, folders, files in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = Path(current).relative_to(folder)
        relative += [(inside / name).as_posix() for name in files if name.endswith(".md") and name[0] != "."]
    return relative


def select_contexts(
    instruction: Instruction,
    params: Mapping[str, Json],
    *,
    folder: Path | Folder,
) -> tuple[Context, ...]:
    """The instruction's contexts: those listed first, in their order, then those mentioned, in the text's order.

    A glob gives its files sorted by path; a file with the bytes of an earlier one is left out.
    Who selects for many instructions gives the folder as `open_contexts` opened it.
    Raises InstructionError with every broken reference, escape and circular include at once.
    """
    opened = (open_contexts(folder, root=instruction.root) if isinstance(folder, Path) else folder).reading()
    names = [*_listed(instruction, params, opened), *_mentioned(instruction, params, opened)]
    contexts = load_contexts(opened, names)
    if opened.problems:
        raise InstructionError(opened.problems[0].message, problems=opened.problems)
    return contexts


def context_params(instruction: Instruction) -> tuple[str, ...]:
    """The parameters that paths of contexts name: what is selected depends on no others."""
    written = (*instruction.contexts, *(mention[2] for mention in _mentions(instruction.body)))
    return tuple(sorted({name for path in written for name in names_in(path)}))


def load_contexts(folder: Folder, names: Iterable[str]) -> tuple[Context, ...]:
    """The files called `names` as contexts, each content once; problems are kept in the folder."""
    contexts: dict[str, Context] = {}
    for name in dict.fromkeys(names):
        context = folder.contexts.get(name) or _load(folder, name)
        if context is not None:
            contexts.setdefault(context.digest, context)
    return tuple(contexts.values())


def read_context(path: Path, *, folder: Folder, root: Path) -> Context:
    """One file as a context: of `folder` with all it includes, or any other text, which includes nothing.

    It is called by its path below the folder or the project's root; one from elsewhere by its name alone, so that no
    prompt holds a path of the machine. Raises InstructionError with its problems.
    """
    place = path.resolve()
    if place.is_relative_to(folder.path.resolve()):
        home, name = folder.reading(), place.relative_to(folder.path.resolve()).as_posix()
    else:
        home, name = Folder(place.parent, str(path.parent), ()), place.name
    context = _load(home, name)
    if context is None or home.problems:
        raise InstructionError(home.problems[0].message, problems=home.problems)
    is_inside = home.path != folder.path and place.is_relative_to(root.resolve())
    return replace(context, path=place.relative_to(root.resolve()).as_posix()) if is_inside else context


def open_contexts(
    folder: Path,
    *,
    root: Path,
    list_files: Callable[[Path], list[str]] = list_files,
    text_of: TextOf = context_text,
) -> Folder:
    """The context folder with its files listed, to select from for as long as one command runs."""
    shown = folder.relative_to(root).as_posix() if folder.is_relative_to(root) else folder.as_posix()
    return replace(open_folder(folder, shown=shown, list_files=list_files), text_of=text_of)


def _load(folder: Folder, name: str) -> Context | None:
    before = len(folder.problems)
    included = folder.load(name)
    context = _context(name, included, folder) if included else None
    if context and len(folder.problems) == before:
        folder.contexts[name] = context
    return context


def match_contexts(written: str, folder: Folder, where: Where | None = None) -> list[str]:
    """The names of the contexts a path or glob stands for; what is wrong with it is kept in the folder."""
    pattern = _from_folder(written, folder)
    matches = _matches(pattern, folder.names)
    if not matches and (problem := _escape(pattern, folder)):
        folder.say(problem, where, "keep it below the context folder")
    elif not matches:
        folder.say(f"no context {pattern}", where, _hint(pattern, folder.names))
    return matches


def mentioned_paths(instruction: Instruction) -> list[str]:
    """The paths below a context folder that the text mentions, as they are written."""
    paths = [mention[2] for mention in _mentions(instruction.body) if not mention[1]]
    return [path for path in paths if path.startswith(("information/context/", "context/"))]


def _listed(instruction: Instruction, params: Mapping[str, Json], folder: Folder) -> Iterator[str]:
    for index, written in enumerate(instruction.contexts):
        if not _waits(written, instruction, params):
            yield from match_contexts(fill_names(written, params), folder, instruction.where("contexts", index))


def _mentioned(instruction: Instruction, params: Mapping[str, Json], folder: Folder) -> Iterator[str]:
    for mention in _mentions(instruction.body):
        if _waits(mention[2], instruction, params):
            continue
        written = fill_names(mention[2], params)
        pattern = _from_folder(written, folder)
        if pattern != written and not mention[1]:
            yield from match_contexts(written, folder, instruction.at(mention.start()))
        elif not mention[1] or pattern != written:
            yield from _matches(pattern, folder.names)


@lru_cache(maxsize=64)
def _mentions(body: str) -> tuple[re.Match[str], ...]:
    """What looks like a path; all reports of a matrix share one text."""
    return tuple(_MENTION.finditer(body))


def _waits(written: str, instruction: Instruction, params: Mapping[str, Json]) -> bool:
    """Whether the path names a parameter that has no value yet."""
    return any(f"{{{name}}}" in written for name in instruction.params if name not in params)


def _from_folder(written: str, folder: Folder) -> str:
    """The path without the words by which a text names the context folder."""
    for prefix in (f"{folder.shown}/", "information/context/", f"{folder.path.name}/", "context/"):
        if written.startswith(prefix) and not any(name.startswith(prefix) for name in folder.names):
            return written[len(prefix) :]
    return written


def _escape(pattern: str, folder: Folder) -> str | None:
    """Why the path does not stay below the folder, if it does not."""
    path = PurePosixPath(pattern)
    if path.is_absolute() or ".." in path.parts or "\\" in pattern or "\0" in pattern:
        return f"leads out of the context folder: {pattern}"
    resolved = (folder.path / pattern).resolve()
    if resolved.exists() and not resolved.is_relative_to(folder.path.resolve()):
        return f"a symbolic link leads out of the context folder: {pattern}"
    return None


def _matches(pattern: str, names: Sequence[str]) -> list[str]:
    """The file of that path, with or without `.md`; all below it for a folder; all that match for a glob."""
    if pattern in names or f"{pattern}.md" in names:
        return [pattern if pattern in names else f"{pattern}.md"]
    if any(letter in pattern for letter in "*?["):
        glob = _glob(pattern)
        return [name for name in names if glob.fullmatch(name)]
    return [name for name in names if pattern and name.startswith(pattern.rstrip("/") + "/")]


@lru_cache(maxsize=256)
def _glob(pattern: str) -> re.Pattern[str]:
    """A regular expression in which `*` stays within a folder and `**` does not."""
    parts = []
    for part in pattern.split("/"):
        if part == "**":
            parts.append("(?:[^/]+/)*")
        else:
            inner = fnmatch.translate(part).removeprefix("(?s:").removesuffix(")\\Z")
            parts.append(inner.replace(".*", "[^/]*") + "/")
    joined = "".join(parts)
    return re.compile(joined.removesuffix("/") if not joined.endswith(")*") else joined + "[^/]+")


def _hint(pattern: str, names: Sequence[str]) -> str:
    folders = sorted({str(PurePosixPath(name).parent) for name in names} - {"."})
    is_glob = "*" in pattern
    close = nearest(str(PurePosixPath(pattern).parent), folders) if is_glob else nearest(pattern, [*names, *folders])
    return f'did you mean "{close}"?' if close else f"known: {', '.join(names) or 'none'}"


def _context(name: str, included: Included, folder: Folder) -> Context:
    front = included.front
    values = front.value if front else {}
    written = folder.text_of(included.text, str(values.get("title") or ""), _words(name))
    return Context(
        path=name,
        title=written.title,
        text=written.text,
        digest=included.digest,
        priority=_priority(values.get("priority", 0), front, folder.problems),
        tags=_tags(values.get("tags")),
    )


def _words(name: str) -> str:
    stem = re.sub(r"^\d+[-_. ]*", "", PurePosixPath(name).stem) or PurePosixPath(name).stem
    return re.sub(r"[-_]+", " ", stem).strip().capitalize()


def _priority(value: Json, front: YamlDocument | None, problems: list[Problem]) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    where: Where | None = front.where("priority") if front else None
    problems.append(Problem('"priority" must be a whole number', where, "the higher, the longer the context is kept"))
    return 0


def _tags(value: Json) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    return tuple(str(tag).strip() for tag in value) if isinstance(value, list) else ()
