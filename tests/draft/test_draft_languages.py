"""Drafts in German and French: whole texts, as the checks read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from trainer.core.yamltext import load_yaml
from trainer.draft import DraftProvider, wording
from trainer.draft.domain import domain

LANGUAGES = Path(__file__).parents[2] / "src" / "trainer" / "draft" / "languages"
CASES = Path(__file__).parent / "languages"

GERMAN = {
    "quartale": [
        {"datum": "2023-12-31", "umsatz": 11_200_000, "kosten": 9_100_000},
        {"datum": "2024-03-31", "umsatz": 11_900_000, "kosten": 9_300_000},
        {"datum": "2024-06-30", "umsatz": 12_100_000, "kosten": 9_250_000},
        {"datum": "2024-09-30", "umsatz": 11_800_000, "kosten": 9_400_000},
        {"datum": "2024-12-31", "umsatz": 12_450_000, "kosten": 9_600_000},
    ],
    "filialen": [{"name": "Basel", "besuche": 31_200}, {"name": "Bern", "besuche": 12_400}],
}
FRENCH = {
    "mensuel": [
        {"mois": "2024-09", "ventes": 1_120_000, "charges": 910_000},
        {"mois": "2024-10", "ventes": 1_190_000, "charges": 930_000},
        {"mois": "2024-11", "ventes": 1_180_000, "charges": 940_000},
        {"mois": "2024-12", "ventes": 2_245_000, "charges": 960_000},
    ],
    "magasins": [{"nom": "Lyon", "visites": 31_200}, {"nom": "Nantes", "visites": 12_400}],
}
EUROS = {"quartale.umsatz": "EUR", "quartale.kosten": "EUR", "mensuel.ventes": "EUR", "mensuel.charges": "EUR"}
QUESTIONS = {
    "de": (
        GERMAN,
        ("Zusammenfassung", "Quartale", "Filialen", "Fehlendes"),
        "## Zusammenfassung\n\nNenne den Umsatz.\n\n## Quartale\n\nZeige Umsatz und Kosten.\n\n"
        "## Filialen\n\nNenne Besuche, Parkplätze.\n",
    ),
    "fr": (
        FRENCH,
        ("Résumé", "Mensuel", "Magasins", "Manques"),
        "## Résumé\n\nIndiquez les ventes.\n\n## Mensuel\n\nMontrez les ventes et les charges.\n\n"
        "## Magasins\n\nIndiquez visites, places de parking.\n",
    ),
}


def draft(make_prompt, language: str) -> str:
    data, sections, body = QUESTIONS[language]
    prompt = make_prompt(data, sections=sections, body=body, units=EUROS, as_of="2024-12-31")
    prompt = replace(prompt, output=replace(prompt.output, language=language))
    return DraftProvider().complete(prompt).content


@pytest.mark.parametrize("language", ["de", "fr"])
def test_a_question_is_answered_in_its_language(make_prompt, language):
    assert draft(make_prompt, language) == (CASES / f"{language}.md").read_text(encoding="utf-8")


def test_a_region_is_written_with_its_own_separators(make_prompt):
    prompt = make_prompt({"shops": [{"name": "Basel", "visits": 31_200}, {"name": "Bern", "visits": 12_400}]})
    text = DraftProvider().complete(replace(prompt, output=replace(prompt.output, language="de-CH"))).content

    assert "Basel (31'200)" in text


@pytest.mark.parametrize("language", ["de", "fr"])
def test_a_language_has_every_pattern_of_english(language):
    def names(code: str) -> set[str]:
        return set(load_yaml((LANGUAGES / f"{code}.yaml").read_text(encoding="utf-8"), shown=code).value)

    assert names(language) == names("en")


def test_a_series_stands_once_in_a_draft(make_prompt):
    rows = [{"year": year, "revenue": revenue} for year, revenue in ((2022, 30), (2023, 36), (2024, 45))]
    body = "## Summary\n\nState the level of revenue.\n\n## Development\n\nShow revenue as a chart.\n"
    prompt = make_prompt({"annual": rows}, sections=("Summary", "Development"), body=body)
    text = DraftProvider().complete(prompt).content

    summary, development = text.split("## ")[1:]
    assert summary == "Summary\n\nRevenue rose from 30 in 2022 to 45 in 2024, a change of 50.0 %.\n\n"
    assert development.startswith("Development\n\nRevenue was 45 in 2024, 25.0 % more than in 2023 (36). ")
    assert text.count("```chart") == 1
    assert text.count("Table: ") == 1


@pytest.mark.parametrize("language", ["de", "fr"])
def test_every_sentence_of_the_domains_is_there_in_a_language(language):
    rules = domain()
    texts = [rule[name] for rule in rules["notices"] + rules["turns"] for name in ("topic", "says", "meaning")]
    texts += [rule["question"] for rule in rules["notices"] if "question" in rule]
    texts += [rule[name] for rule in rules["derived"] + rules["series_ratios"] for name in ("title", "words")]
    texts += [rule["says"] for rule in rules["patterns"]]
    texts += [rules["meaningless"][name] for name in ("topic", "one", "many")]

    with wording.writing_in(language) as written:
        assert [text for text in texts if text.casefold() not in written.terms] == []


@pytest.mark.parametrize(
    ("entity", "the", "said"),
    [("AbbVie", "le chiffre d’affaires", "le chiffre d’affaires d’AbbVie"), ("Basel", "la dette", "la dette de Basel")],
)
def test_french_joins_a_preposition_with_what_follows(entity, the, said):
    with wording.writing_in("fr"):
        assert wording.say("of_entity", entity=entity, the=the) == said
        assert wording.say("above", size="3 %", the="le plus bas", second="7") == "3 % au-dessus du plus bas (7)"


def test_an_abbreviation_ends_its_sentence():
    with wording.writing_in("de"):
        assert wording.say("share_of_sum", label="Bern", part="72 %", total="1,5 Mrd.").endswith("1,5 Mrd.")
