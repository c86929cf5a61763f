"""Start a project from an example; nothing that exists is touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trainer
from trainer.core.errors import TrainerError, UsageError, Where, unknown
from trainer.core.files import write_atomic

EXAMPLES = ("biotech", "blank")
_PARTS = ("information", "output", "config.yaml")
_IGNORED = b".trainer/\n"
_ATTRIBUTES = b"""\
# what is built is compared byte by byte: the same line ends on every system
config.yaml text eol=lf
information/** text=auto eol=lf
output/** text=auto eol=lf
"""


@dataclass(frozen=True, slots=True)
class Started:
    """A new project."""

    folder: str
    example: str
    written: tuple[str, ...]
    """Files that were written, relative to the folder, sorted."""
    existing: tuple[str, ...]
    """Files that were there already and were left as they are."""


def init_project(folder: Path, *, example: str) -> Started:
    """Copy an example's files into `folder`; raises UsageError where it holds a project or is no folder."""
    source = example_folder(example)
    if (folder / "config.yaml").exists():
        raise UsageError("there is a project already", where=Where(str(folder)), hint="name another folder")
    if folder.exists() and not folder.is_dir():
        raise UsageError("it is a file, not a folder", where=Where(str(folder)), hint="name a folder")
    written, skipped = [], []
    for name, content in _files(source):
        target = folder / name
        if target.exists():
            skipped.append(name)
            continue
        write_atomic(target, content)
        written.append(name)
    return Started(str(folder), example, tuple(sorted(written)), tuple(sorted(skipped)))


def example_folder(example: str) -> Path:
    """Where an example's files lie: in the installed package, or for biotech the root of trainer's own repository."""
    if example not in EXAMPLES:
        message, hint = unknown("example", example, EXAMPLES)
        raise UsageError(message, hint=hint)
    package = Path(trainer.__file__).parent
    for folder in (package / "examples" / example, package.parent.parent):
        if (folder / "config.yaml").is_file():
            return folder
    raise TrainerError(f"the files of the example {example} are not installed", hint="install trainer-core again")


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents, config.yaml last: a start that was cut short can be repeated."""
    yield ".gitignore", _IGNORED
    yield ".gitattributes", _ATTRIBUTES
    for part in _PARTS:
        top = source / part
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file():
                yield path.relative_to(source).as_posix(), path.read_bytes()
