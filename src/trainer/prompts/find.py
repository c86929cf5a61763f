"""Finding an instruction by the name a person gives it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from trainer.core.errors import InstructionError, Where, unknown


@dataclass(frozen=True, slots=True)
class Found:
    """An instruction's file."""

    path: Path
    shown: str
    """Relative to the instruction folder where it lies inside, else as it was given; with `/`."""


def find_instruction(folder: Path, name: str, *, root: Path) -> Found:
    """The instruction called `name`: below `folder`, with or without `.md`, or the path of a file of the project.

    Raises InstructionError that names the nearest instruction there is, and for a file outside `folder` and `root`.
    """
    homes = (folder.resolve(), root.resolve())
    for candidate in _candidates(folder, name):
        if candidate.is_file():
            if not any(candidate.resolve().is_relative_to(home) for home in homes):
                hint = "copy it below the instruction folder, or give it on the standard input in place of a name: -"
                raise InstructionError(f"the instruction lies outside the project: {name}", hint=hint)
            return Found(candidate, _shown(candidate, folder))
    message, hint = unknown("instruction", name, list_instructions(folder))
    raise InstructionError(message, where=Where(_shown(folder, root)), hint=hint)


def list_instructions(folder: Path) -> list[str]:
    """The names of all instructions below `folder`, without `.md`, sorted."""
    names = []
    home = folder.resolve()
    for current, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = Path(current).relative_to(folder)
        names += [(inside / file).as_posix()[:-3] for file in files if file.endswith(".md") and file[0] != "."]
    return sorted(name for name in names if (folder / f"{name}.md").resolve().is_relative_to(home))


def _candidates(folder: Path, name: str) -> list[Path]:
    if not name or "\0" in name:
        return []
    return [folder / name, folder / f"{name}.md", Path(name), Path(f"{name}.md")]


def _shown(path: Path, folder: Path) -> str:
    absolute, home = path.resolve(), folder.resolve()
    return absolute.relative_to(home).as_posix() if absolute.is_relative_to(home) else path.as_posix()
