"""What was worked out once of the same inputs by the same program: kept below the cache, so that a rerun need not.

A value is named by the digest of all that it rests on, the program included; whatever changes, it is worked out anew.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from trainer.core.digest import canonical, digest, digest_bytes
from trainer.core.errors import TrainerError
from trainer.core.files import write_atomic
from trainer.core.project import Project
from trainer.core.secrets import mask_known

T = TypeVar("T")
FOLDER = "memo"
"""The folder of what is remembered, below the cache."""


def remembered(project: Project, kind: type[T], rests_on: object, work_out: Callable[[], T]) -> T:
    """What `work_out` gives, or gave when all in `rests_on` was the same; `kind` is a dataclass of plain values.

    Where a secret is among what it rests on, and in a project without a state of its own, it is worked out each time.
    Losing what is kept, or finding it torn, costs time and nothing else.
    """
    try:
        named = canonical([kind.__name__, program(), rests_on])
    except TypeError:  # a program of the caller's own gave a value that JSON has no word for
        return work_out()
    if not project.state.is_dir() or mask_known(named) != named:
        return work_out()
    name = digest_bytes(named.encode("utf-8", "surrogatepass"))
    path = project.cache / FOLDER / name[:2] / f"{name}.json"
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        value = msgspec.json.decode(path.read_bytes(), type=kind)
        os.utime(path)  # the longest unused is removed first
        return value
    value = work_out()
    with contextlib.suppress(TrainerError, msgspec.MsgspecError, TypeError, UnicodeEncodeError):
        encoded = msgspec.json.encode(value)
        if msgspec.json.decode(encoded, type=kind) == value:  # as a tuple among plain data would not be
            write_atomic(path, encoded, is_durable=False)
    return value


@cache
def program() -> str:
    """The digest of this program's files by name, size and time, as Python itself tells whether bytecode is current.

    With it goes the folder of the installed packages, whose time changes with each of them.
    """
    package = Path(__file__).parent.parent
    files = [(package.as_posix(), Path(msgspec.__file__).parents[1].stat().st_mtime_ns, 0)]
    folders = [str(package)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders += [] if entry.name in _NOT_PROGRAM else [entry.path]
                else:
                    facts = entry.stat()
                    files.append((entry.path, facts.st_mtime_ns, facts.st_size))
    return digest(sorted(files))


_NOT_PROGRAM = ("__pycache__", "examples", "fonts")
