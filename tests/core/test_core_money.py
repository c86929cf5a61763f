"""Dollars and tildes beside money and figures are signs; formulas and struck words stay what they are."""

import pytest

from trainer.core.markdown import parse_tokens

MONEY = (
    "From $8 (in CA$) to $9.", "A seat is $20/user/month, 7 seats = $1680/year; in Quebec 35$ is usual.",
    "Revenue ($bn), EPS ($)", "US$/t, A$/t and C$/t", "price ($/t) and cost ($/kg)", "cheap ($), mid ($$), dear ($$$)",
    "$AAPL/$MSFT", "the $/€ and €/$ rates", "paid $5 to Bob, who had 3$.", "$5 to 10$", "R$5 and R$6",
    "Sales of ~$3M/~$4M a year.", "5~10 mg and 15~20 mg", "(~5%/~6%)", "Jan~Mar and Apr~Jun", "~£5/~£6",
)  # fmt: skip
MARKUP = {
    "$x$ and $k$th": "math_inline", "$10^{-3}$": "math_inline", "$[0,1)$": "math_inline", "$E = mc^2$": "math_inline",
    "~gone~ and ~~gone~~": "s_open", "~~$5~~": "s_open",
}  # fmt: skip


def kinds(text: str) -> list[str]:
    return [child.type for token in parse_tokens(text) for child in token.children or ()]


@pytest.mark.parametrize("text", MONEY)
def test_money_is_text(text):
    assert kinds(text) == ["text"]
    assert parse_tokens(text)[1].children[0].content == text


@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_markup(text):
    assert MARKUP[text] in kinds(text)


def test_a_line_that_starts_with_about_is_no_definition():
    assert "dl_open" not in [token.type for token in parse_tokens("Dose\n~ 5 mg a day\n")]
    assert "dl_open" in [token.type for token in parse_tokens("Term\n~ words\n")]


def test_a_note_that_nobody_cites_keeps_its_words():
    assert any("unused" in token.content for token in parse_tokens("A[^a]\n\n[^a]: used\n\n[^b]: unused\n"))
