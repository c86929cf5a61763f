"""Files in files: attachments of messages and members of archives, read by the one table, within limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from trainer.core.errors import ConversionError, TrainerError, Where
from trainer.core.frontmatter import split_front_matter
from trainer.core.readings import DocumentText, Reading, ReadOptions, data_of, read_file
from trainer.core.values import Finding

DEEPEST = 3
"""Archives and messages inside each other."""
MOST_FILES = 10_000


@dataclass(slots=True)
class ContainerReader:
    """The file that the others lie in, and what could not be read of them."""

    shown: str
    options: ReadOptions
    findings: list[Finding] = field(default_factory=list)

    def read(self, name: str, content: bytes) -> Reading | None:
        """What a file in it holds; None, and a finding, where it cannot be read."""
        shown = f"{self.shown}/{name}"
        try:
            if self.options.depth >= DEEPEST:
                raise ConversionError(f"more than {DEEPEST} files inside one another", where=Where(shown))
            options = replace(self.options, depth=self.options.depth + 1, path=None)
            reading = read_file(content, shown=shown, options=options)
            data_of(reading)
        except TrainerError as error:
            self.findings.append(
                Finding(
                    "left_out",
                    "warning",
                    f"left out: {name}: {error.message}",
                    Where(self.shown),
                    hint=error.hint or "",
                )
            )
            return None
        self.findings += reading.findings
        return reading


def read_nested(nested: ContainerReader, name: str, content: bytes) -> str:
    """A file in another one as a section of Markdown; empty where it cannot be read."""
    from trainer.convert.outline import json_to_markdown

    reading = nested.read(name, content)
    if reading is None:
        return ""
    if isinstance(reading, DocumentText):
        body = split_front_matter(reading.markdown).body
    else:
        body = json_to_markdown(reading.value)
    title = name.replace("[", "\\[").replace("*", "\\*").replace("_", "\\_").replace("<", "\\<").replace("`", "\\`")
    return f"## {title}\n\n{body.strip()}"
