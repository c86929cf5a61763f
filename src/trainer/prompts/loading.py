"""Reading an instruction: its file or text, its front matter, and what that declares."""

from __future__ import annotations

from pathlib import Path

from trainer.core.digest import digest_bytes
from trainer.core.errors import InstructionError, UsageError
from trainer.core.files import read_text
from trainer.core.frontmatter import Parts, split_front_matter
from trainer.prompts.declarations import read_declarations
from trainer.prompts.instruction import KEYS, Instruction


def load_instruction(path: Path, *, shown: str, root: Path) -> Instruction:
    """The instruction in the file `path`; `shown` is its name below the instruction folder.

    Raises InstructionError with every problem of the front matter at once.
    """
    file = _from_root(path, root)
    try:
        text = read_text(path, shown=file)
    except UsageError as error:
        raise InstructionError(error.message, problems=error.problems) from error
    parts = split_front_matter(text, shown=file, keys=KEYS)
    return build(text, parts, file=file, shown=shown, root=root, folder=path.parent)


def parse_instruction(text: str, *, shown: str, root: Path, folder: Path | None = None) -> Instruction:
    """The instruction in `text`, as from a file in `folder`, or else in `root`, that errors call `shown`."""
    parts = split_front_matter(text, shown=shown, keys=KEYS)
    return build(text, parts, file=shown, shown=shown, root=root, folder=folder or root)


def build(text: str, parts: Parts, *, file: str, shown: str, root: Path, folder: Path) -> Instruction:
    """The instruction of a file that has been read and split; `folder` is where its `schema:` may lie."""
    if parts.slip:
        raise InstructionError(parts.slip.message, problems=[parts.slip])
    plain = Instruction(
        path=shown,
        file=file,
        root=root,
        body=parts.body,
        body_line=parts.body_line,
        digest=digest_bytes(text.encode()),
        title=_title(parts.body) or Path(shown).stem,
    )
    return plain if parts.front is None else read_declarations(plain, parts.front, folder=folder)


def _from_root(path: Path, root: Path) -> str:
    absolute = path.absolute()
    return absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else str(path)


def _title(body: str) -> str:
    first = next((line for line in body.splitlines() if line.strip()), "")
    return first[2:].strip() if first.startswith("# ") else ""
