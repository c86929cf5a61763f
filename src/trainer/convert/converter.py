"""`FormatConverter`: the conversions of this room under the names of the specification."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.convert.base import Options
from trainer.convert.formats import convert
from trainer.convert.jsontext import extract_json
from trainer.convert.outline import json_to_markdown, markdown_to_json
from trainer.convert.themes import load_theme
from trainer.convert.writers.html import render_template
from trainer.core.detect import detect_format
from trainer.core.digest import pretty
from trainer.core.errors import UsageError, Where, unknown
from trainer.core.files import read_text
from trainer.core.values import CompletionResult, Json

_OPTIONS = ("assets", "css", "data", "fragment", "meta", "page_size", "schema", "template")


class FormatConverter:
    """Converts between formats; `templates` and `css` are folders whose files take the built-in theme's place."""

    def __init__(self, *, templates: Path | None = None, css: Path | None = None) -> None:
        self._templates = templates
        self._css = css

    def convert(
        self,
        source: str | bytes | Mapping[str, Any] | CompletionResult,
        source_format: str = "auto",
        target_format: str = "html",
        **options: Any,
    ) -> str | bytes:
        """The source, or what a model answered, in another format.

        Options: assets, css, data, fragment, meta, page_size, schema, template.
        """
        for name in options:
            if name not in _OPTIONS:
                message, hint = unknown("option", name, _OPTIONS)
                raise UsageError(message, hint=hint)
        if isinstance(source, CompletionResult):
            source = source.content
        if isinstance(source, Mapping):
            source, source_format = pretty(source), "json"
        content = source.encode() if isinstance(source, str) else source
        converted = convert(content, source=source_format, target=target_format, options=self._options(options))
        written: str | bytes = converted.content
        return written

    def json_to_markdown(
        self, json_data: Json, schema: Mapping[str, Any] | None = None, template: str | None = None
    ) -> str:
        """The data as Markdown, by a schema's titles, order and units, or by a Jinja2 template of its own."""
        if template is None:
            return json_to_markdown(json_data, schema=schema)
        values = dict(json_data) if isinstance(json_data, Mapping) else {"data": json_data}
        return render_template(template, values, autoescape=False)

    def markdown_to_json(self, markdown: str, schema: Mapping[str, Any] | None = None) -> Json:
        """The data that `json_to_markdown` wrote, exactly; of other documents, their content under its headings."""
        return markdown_to_json(markdown, schema=schema)

    def detect_format(self, content: str | bytes | Mapping[str, Any]) -> str:
        """The format of a content: any that is read, `text` where it says nothing else."""
        return detect_format(content)

    def apply_template(self, content: str, template_path: str) -> str:
        """The content, trusted HTML, as `body` in a Jinja2 template."""
        from markupsafe import Markup

        source = read_text(Path(template_path))
        body = Markup(content)  # noqa: S704  (the caller gives HTML)
        return render_template(source, {"body": body, "content": body}, shown=template_path)

    def apply_styles(self, html: str, css_path: str) -> str:
        """The page with a stylesheet added at the end of its head, or before it where it has none."""
        css = read_text(Path(css_path)).replace("</", "<\\/")
        style = f"<style>\n{css.strip()}\n</style>\n"
        at = html.lower().find("</head>")
        return f"{html[:at]}{style}{html[at:]}" if at >= 0 else style + html

    def extract_json_from_text(self, text: str, schema: Mapping[str, Any] | None = None) -> Json:
        """The best JSON in a text, or None; `extract_json` also says what was mended and what was doubtful."""
        return extract_json(text, schema).value

    def _options(self, options: Mapping[str, Any]) -> Options:
        template, css = options.get("template"), options.get("css")
        for path in (template, css):
            if path is not None and not Path(path).is_file():
                raise UsageError("there is no such file", where=Where(str(path)))
        theme = load_theme(
            templates=self._templates,
            css=self._css,
            template=Path(template) if template else None,
            styles=[Path(css)] if css else [],
            page_size=options.get("page_size", "A4"),
        )
        assets = options.get("assets")
        passed = {name: options[name] for name in ("data", "fragment", "meta", "schema") if name in options}
        return Options(theme=theme, assets=Path(assets) if assets else None, **passed)
