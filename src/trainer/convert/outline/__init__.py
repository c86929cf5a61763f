"""Between JSON and Markdown: what is written one way is read back the other way, exactly."""

from trainer.convert.outline.from_json import json_to_markdown
from trainer.convert.outline.to_json import markdown_to_json

__all__ = ["json_to_markdown", "markdown_to_json"]
