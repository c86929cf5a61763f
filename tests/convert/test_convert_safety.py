"""Hostile input: nothing dangerous in HTML, no file outside the project and no socket touched by any writer."""

from __future__ import annotations

import itertools
import re
import socket
from html.parser import HTMLParser
from pathlib import Path

import pytest

from corpus.convert.written import html_to_pdf, to_docx, to_html, to_latex, to_pdf
from trainer.convert import FormatConverter, load_theme
from trainer.core.errors import UsageError

SCHEMES = [
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "java&#x09;script:alert(1)",
    "&#106;avascript:alert(1)", "&#x6A;avascript:alert(1)", "javascript&colon;alert(1)", "\x01javascript:alert(1)",
    " javascript:alert(1)", "vbscript:msgbox(1)", "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "data:image/svg+xml,<svg onload=alert(1)>",
    "file:///etc/passwd", "javascript://%0aalert(1)", "%6aavascript:alert(1)", "jav&NewLine;ascript:alert(1)",
]  # fmt: skip
CARRIERS = [
    "[x]({0})", "[x](<{0}>)", "![x]({0})", "<{0}>", "[x][r]\n\n[r]: {0}", "[x][r]\n\n[r]: <{0}> 'title'",
    '<a href="{0}">x</a>', '<img src="{0}">', "| a |\n|---|\n| [x]({0}) |", "> [x]({0})", "- [x]({0})", "# [x]({0})",
]  # fmt: skip
RAW = [
    "<script>alert(1)</script>", "<SCRIPT SRC=//evil.test/x.js></SCRIPT>", "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>", "<svg><script>alert(1)</script></svg>", "<body onload=alert(1)>",
    "<iframe src=//evil.test>",
    "<iframe srcdoc='<script>alert(1)</script>'>", "<object data=x>", "<embed src=x>",
    "<style>@import '//evil.test';</style>",
    "<link rel=stylesheet href=//evil.test>", "<meta http-equiv=refresh content='0;url=//evil.test'>",
    "<base href=//evil.test>",
    "<form action=//evil.test><input>", "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<video><source onerror=alert(1)></video>", "<details open ontoggle=alert(1)>", "<a href=x onclick=alert(1)>x</a>",
    "<div style='background:url(//evil.test)'>", "<input autofocus onfocus=alert(1)>", "<marquee onstart=alert(1)>",
    "<template><script>alert(1)</script></template>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<!--><script>alert(1)</script>-->", "<!-- --!><script>alert(1)</script>", "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>", "<p title='\"><script>alert(1)</script>'>", "<x onpointerenter=alert(1)>",
]  # fmt: skip
WRAPPERS = ["{0}", "text {0} text", "> {0}", "- {0}", "# {0}", "| a |\n|---|\n| {0} |", "`a` {0}", "[^1]\n\n[^1]: {0}"]
FRONT = [
    "title: {0!r}",
    "subtitle: {0!r}\ntitle: x",
    "date: {0!r}",
    "language: {0!r}",
    "author: {0!r}",
    "status: {0!r}",
]

PAYLOADS = [
    *(carrier.format(scheme) for carrier, scheme in itertools.product(CARRIERS, SCHEMES)),
    *(wrapper.format(raw) for wrapper, raw in itertools.product(WRAPPERS, RAW)),
    *(f"---\n{front.format(raw)}\n---\ntext" for front, raw in itertools.product(FRONT, RAW[:8])),
    *(f"```chart\ntype: bar\ntitle: {raw!r}\nrows: [[{raw!r}, 1], [b, 2]]\ncolumns: [{raw!r}, y]\n```" for raw in RAW),
    *(f"```{raw}\ncode\n```" for raw in RAW if "`" not in raw),
    *(f"Table: {raw}\n\n| {raw} |\n|---|\n| 1 |" for raw in RAW),
]  # fmt: skip


UNSAFE = re.compile(r"(?:javascript|vbscript|file|data(?!:image/(?:png|jpeg|gif|webp);)):")


class Danger(HTMLParser):
    """Collects what could run, load or frame something."""

    allowed = frozenset(
        [
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "main",
            "header",
            "nav",
            "article",
            "section",
            "p",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "span",
            "a",
            "ol",
            "ul",
            "li",
            "table",
            "caption",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "div",
            "figure",
            "figcaption",
            "details",
            "summary",
            "svg",
            "desc",
            "text",
            "line",
            "rect",
            "path",
            "circle",
            "g",
            "pre",
            "code",
            "strong",
            "em",
            "del",
            "sup",
            "br",
            "hr",
            "blockquote",
            "dl",
            "dt",
            "dd",
            "img",
            "input",
            "b",
        ]
    )

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.allowed:
            self.found.append(tag)
        for name, value in attrs:
            said = re.sub(r"[\x00-\x20]", "", value or "").lower()
            if name.startswith("on") or name in ("srcdoc", "formaction", "xlink:href"):
                self.found.append(f"{tag} {name}")
            if name in ("href", "src") and UNSAFE.match(said):
                self.found.append(f"{tag} {name}={value}")
            if name == "src" and not said.startswith("data:image/"):
                self.found.append(f"{tag} loads {value}")
            if tag == "meta" and said.startswith("refresh"):
                self.found.append("refresh")


def danger(html: str) -> list[str]:
    parser = Danger()
    parser.feed(html)
    return parser.found


def test_there_are_300_payloads_or_more():
    assert len(PAYLOADS) >= 300


@pytest.mark.parametrize("fragment", [True, False])
def test_no_payload_is_dangerous_in_html(fragment, tmp_path):
    found = {payload: danger(to_html(payload, fragment=fragment, assets=tmp_path).content) for payload in PAYLOADS}

    assert {payload: what for payload, what in found.items() if what} == {}


def test_html_that_was_read_is_not_dangerous_once_written():
    converter = FormatConverter()
    found = {raw: danger(str(converter.convert(f"<p>{raw}</p>", "html", "html", fragment=True))) for raw in PAYLOADS}

    assert {raw: what for raw, what in found.items() if what} == {}


def test_no_writer_opens_a_file_outside_the_project_or_a_socket(tmp_path, monkeypatch):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"\x89PNG secret")
    inside = tmp_path / "project"
    inside.mkdir()
    (inside / "link.png").symlink_to(secret)
    opened: list[str] = []
    original = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(str(path)) or original(path))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a socket was opened"))
    text = "\n\n".join(
        f"![x]({name})" for name in ("link.png", "../secret.png", str(secret), f"file://{secret}", "//evil.test/x.png")
    )
    for made in (to_html(text, assets=inside), to_docx(text, assets=inside), to_latex(text, assets=inside)):
        assert made.findings

    assert [path for path in opened if "secret" in path or "link.png" in path] == []


def test_a_pdf_of_hostile_html_fetches_nothing(tmp_path, pool):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    port = listener.getsockname()[1]
    address = f"http://127.0.0.1:{port}/x"
    page = (
        f"<link rel=stylesheet href={address}><style>@import '{address}';"
        f" @font-face {{font-family: x; src: url({address})}}"
        f" body {{background: url({address}); font-family: x}}</style><img src={address}>"
        f"<object data={address}></object>"
        f"<a rel=attachment href=file:///etc/hostname>x</a><img src=file:///etc/hostname>"
        f"<iframe src={address}></iframe>"
        f"<svg><image href={address} /><use href='{address}#a'/></svg>text"
    )
    content = html_to_pdf(page, pool=pool).content
    to_pdf("\n\n".join(PAYLOADS[:200]), pool=pool)
    with pytest.raises(TimeoutError):
        listener.accept()

    assert content.startswith(b"%PDF")
    assert b"EmbeddedFile" not in content


def test_a_template_of_the_project_cannot_reach_python(tmp_path):
    (tmp_path / "t.html").write_text("{{ ''.__class__.__mro__[1].__subclasses__() }}")

    with pytest.raises(UsageError, match="template: access to attribute '__class__'"):
        to_html("# T", theme=load_theme(template=tmp_path / "t.html"))


def test_words_of_a_report_are_never_a_template():
    page = to_html("---\ntitle: '{{ 7 * 7 }}'\n---\n{{ 7 * 7 }} {% raw %}").content

    assert "49" not in re.sub(r"(?s)<style>.*</style>", "", page)
    assert "{{ 7 * 7 }} {% raw %}" in page


def test_a_stylesheet_cannot_close_its_element(tmp_path):
    (tmp_path / "x.css").write_text("</style><script>alert(1)</script>")

    assert danger(to_html("# T", theme=load_theme(styles=[tmp_path / "x.css"])).content) == []
