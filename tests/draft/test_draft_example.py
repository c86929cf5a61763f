"""The example's reports, as a reader gets them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from trainer.checks.figures import check_figures
from trainer.core.values import Context
from trainer.draft import DraftProvider

REPORTS = ("abbvie", "butterfly", "metrics-table", "peer-comparison")


@pytest.fixture(scope="module")
def reports(example_prompt) -> dict[str, str]:
    return {name: DraftProvider().complete(example_prompt(name)).content for name in REPORTS}


def section(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("name", REPORTS)
def test_the_sections_are_the_instructions_own_in_their_order(reports, example_prompt, name):
    assert re.findall(r"^## (.*)$", reports[name], re.MULTILINE) == list(example_prompt(name).output.sections)


@pytest.mark.parametrize("name", REPORTS)
def test_it_says_first_that_no_model_wrote_it(reports, name):
    assert reports[name].startswith("> **No language model wrote this text.**")


@pytest.mark.parametrize("name", REPORTS)
def test_every_figure_is_supported_by_data_or_context_or_derived(reports, example_prompt, name):
    prompt = example_prompt(name)
    own = Context(prompt.instruction, prompt.title, prompt.body, "")
    report = check_figures(reports[name], data=prompt.data, contexts=(*prompt.contexts, own))

    assert [figure.text for figure in report.unverified] == []
    assert len(report.figures) > 150


@pytest.mark.parametrize("name", REPORTS)
def test_no_passage_is_quoted_twice_and_each_names_a_context(reports, example_prompt, name):
    titles = {context.title for context in example_prompt(name).contexts}
    quoted = re.findall(r"^> (.*) \[(.*)\]$", reports[name], re.MULTILINE)

    assert len(quoted) >= 3
    assert {title for _, title in quoted} <= titles
    assert len({text for text, _ in quoted}) == len(quoted)


def test_the_summary_gives_stage_key_figures_and_what_stands_out(reports):
    summary = section(reports["abbvie"], "Summary")

    assert summary.strip().startswith(
        "Over the trailing 12 months to 31 December 2024, AbbVie's net income to common shareholders was "
        "$4.238 billion, on revenue of $56.33 billion; revenue growth (latest quarter on year) was 5.6 %. "
        "A profit and a dividend are the pattern of a mature company."
    )
    assert "Table: Key figures, AbbVie, as of 21 February 2025, accounts to 31 December 2024" in summary
    assert "| Market capitalisation | $356.7 billion |" in summary
    assert "| Net margin, trailing 12 months | 7.6 % |" in summary
    assert (
        "- Expected earnings per share of $12.13 are 5.1 times the reported $2.38 of the trailing 12 months." in summary
    )


def test_two_blocks_of_one_company_make_one_series_with_the_year_before(reports):
    assert (
        "Revenue was $15.10 billion in the quarter to 31 December 2024, 4.4 % more than in the quarter to "
        "30 September 2024 ($14.46 billion) and 5.6 % more than in the quarter to 31 December 2023 ($14.30 billion)."
    ) in section(reports["abbvie"], "Growth and profit")


def test_a_loss_after_profits_is_told_without_a_percentage(reports):
    assert (
        "Net income was −$22 million in the quarter to 31 December 2024, down from $1.561 billion in the quarter to "
        "30 September 2024 and down from $822 million in the quarter to 31 December 2023."
    ) in section(reports["abbvie"], "Growth and profit")


def test_a_derived_figure_names_its_formula(reports):
    cash = section(reports["abbvie"], "Cash and debt")

    assert "| Net debt (total debt less cash) | $62.70 billion |" in cash
    assert "| Total debt to EBITDA | 2.60 |" in cash


def test_distances_of_one_price_share_a_sentence(reports):
    assert (
        "The share price of $202.08 is 31.6 % above the 52-week low of $153.58 "
        "and 2.5 % below the 52-week high of $207.32."
    ) in section(reports["abbvie"], "Valuation")
    assert "The mean price target of $204.43 is 1.2 % above the share price of $202.08." in section(
        reports["abbvie"], "Shareholders and opinion"
    )


def test_a_company_with_losses_gets_its_runway(reports):
    assert "| Cash runway (cash divided by operating cash flow) | 1.8 years |" in section(
        reports["butterfly"], "Cash and debt"
    )
    assert (
        section(reports["butterfly"], "Risks")
        .strip()
        .startswith("1. **Financing and dilution.** Cash of $93.76 million")
    )


def test_multiples_of_a_loss_are_called_meaningless(reports):
    assert (
        "Price to forward earnings (−13.03) and enterprise value to EBITDA (−8.71) are negative. "
        "Multiples of a loss have no meaning, and are not cheap."
    ) in section(reports["butterfly"], "Valuation")


def test_what_the_data_lacks_is_named_where_it_is_asked_for_and_at_the_end(reports):
    assert "The data holds nothing under the names clinical phase" in section(reports["abbvie"], "Pipeline")
    assert "- **Business:** products, royalties and software subscriptions." in section(
        reports["abbvie"], "What is missing"
    )


def test_two_companies_stand_side_by_side(reports):
    size = section(reports["metrics-table"], "Size and price")

    assert "| Figure | AbbVie | Butterfly Network |" in size
    assert "| Market capitalisation | $356.7 billion | $1.019 billion |" in size
    assert (
        "AbbVie's market capitalisation of $356.7 billion is 350 times that of Butterfly Network ($1.019 billion)."
        in size
    )
    assert "| Price to trailing earnings | 84.91 | – |" in section(reports["metrics-table"], "Valuation")


def test_a_table_section_without_a_word_on_time_has_one_table(reports):
    for title in ("Size and price", "Valuation", "Growth and margins", "Cash and debt"):
        assert section(reports["metrics-table"], title).count("Table: ") == 1


def test_margins_are_compared_in_percentage_points(reports):
    text = section(reports["metrics-table"], "Growth and margins")

    assert "| Gross margin, trailing 12 months | 70.3 % | 29.6 % |" in text


def test_a_series_has_a_chart_with_its_rows(reports):
    chart = re.search(
        r"^```chart\n(.*?)^```$", section(reports["abbvie"], "Growth and profit"), re.MULTILINE | re.DOTALL
    )

    assert chart is not None
    assert 'title: "Revenue and net income by year, AbbVie"' in chart.group(1)
    assert '  - ["2024-12-31", 56334000000, 4278000000]' in chart.group(1)


def test_the_bytes_are_the_same_whatever_the_hash_seed():
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import conftest;"
        "from trainer.draft import DraftProvider;"
        "sys.stdout.buffer.write(DraftProvider().complete(conftest._example('peer-comparison')).content.encode())"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parent)]
    outputs = {
        subprocess.run(command, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("0", "1", "4242")
    }

    assert len(outputs) == 1
    assert len(outputs.pop()) > 5_000
