"""Data that a prompt computes from its other data, through the real command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainer.core.errors import InstructionError
from trainer.prompts.instruction import DataQuery
from trainer.prompts.params import bind_names

JOIN = """
---
title: "{SHOP}"
params: {SHOP: {required: true}}
data:
  sales: {source: file, path: information/data/sales.csv}
  rents: {source: file, path: information/data/rents.json}
  monthly:
    from: [sales, rents]
    sql: |
      select month, sum(sales_eur) as sales, sum(sales_eur) / any_value(rent) as cover
      from sales join rents using (shop)
      where shop = '{SHOP}'
      group by month
  yearly: {from: [monthly], sql: select sum(sales) as sales from monthly}
output: {sections: [Summary]}
---
How did {SHOP} do?
""".lstrip()


@pytest.fixture
def shops(blank: Path) -> Path:
    data = blank / "information/data"
    rows = ["shop,month,sales_eur", "North,2024-01-01,10", "North,2024-02-01,30", "South,2024-01-01,7"]
    (data / "sales.csv").write_text("\n".join(rows) + "\n")
    rents = {"fields": {"records.rent": {"title": "Rent", "unit": "EUR"}}}
    about = {"source": "landlord", "as_of": "2024-03-01", "retrieved_at": "2024-03-02T00:00:00Z"}
    rents |= {"data": {"records": [{"shop": "North", "rent": 5}, {"shop": "South", "rent": 4}]}}
    (data / "rents.json").write_text(json.dumps(rents | about))
    (blank / "information/instructions/shop.md").write_text(JOIN)
    (blank / "config.yaml").write_text(
        "reports:\n  north: {instruction: shop.md, params: {SHOP: North}, formats: [md]}\n"
    )
    return blank


def test_a_prompt_holds_what_was_computed_and_not_what_it_was_computed_from(shops, run):
    done = run(shops, "render", "shop", "-p", "SHOP=North", "--json")
    assert done.returncode == 0, done.stderr
    prompt = json.loads(done.stdout)

    blocks = {block["name"]: block for block in prompt["data"]}
    assert {name: block["in_prompt"] for name, block in blocks.items()} == {
        "yearly": True,
        "sales": False,
        "rents": False,
        "monthly": False,
    }
    assert blocks["monthly"]["computed_from"] == [
        "file:information/data/sales.csv@1",
        "file:information/data/rents.json@1",
    ]
    assert '<data name="yearly"' in prompt["text"]
    assert "South" not in prompt["text"]
    assert prompt["text"].count("<data name=") == 1


def test_a_report_keeps_the_versions_of_its_sources_and_is_stale_when_one_of_them_changes(shops, run):
    built = run(shops, "report", "--json")
    assert built.returncode == 0, built.stderr
    provenance = json.loads((shops / "output/json/north.json").read_text())

    blocks = {block["name"]: block for block in provenance["data"]}
    assert json.loads(built.stdout)[0]["sources"] == [
        "file:information/data/sales.csv@1",
        "file:information/data/rents.json@1",
    ]
    assert blocks["monthly"]["data"]["records"] == [
        {"cover": 2.0, "month": "2024-01-01", "sales": 10},
        {"cover": 6.0, "month": "2024-02-01", "sales": 30},
    ]
    assert blocks["monthly"]["fields"]["records.sales"]["unit"] == "EUR"
    assert blocks["monthly"]["fields"]["records.cover"]["unit"] == "ratio"
    assert blocks["monthly"]["as_of"] == "2024-03-01"
    assert json.loads(run(shops, "report", "--check", "--json").stdout)[0]["status"] == "current"

    table = shops / "information/data/sales.csv"
    table.write_text(table.read_text().replace("North,2024-02-01,30", "North,2024-02-01,31"))
    check = run(shops, "report", "--check", "--json")
    assert check.returncode == 3
    assert json.loads(check.stdout)[0]["reasons"] == [{"ingredient": "data", "detail": "sales changed"}]


def test_a_changed_question_makes_the_report_stale_also_where_the_config_asks_it(shops, run):
    config = shops / "config.yaml"
    asked = "    data: {yearly: {from: [monthly], sql: select max(sales) as best from monthly}}\n"
    config.write_text(
        "reports:\n  north:\n    instruction: shop.md\n    params: {SHOP: North}\n    formats: [md]\n" + asked
    )
    run(shops, "report")
    config.write_text(config.read_text().replace("max(", "min("))

    check = run(shops, "report", "--check", "--json")

    assert json.loads(check.stdout)[0]["reasons"] == [{"ingredient": "data", "detail": "yearly changed"}]


def test_the_checks_hold_a_committed_report_against_what_was_computed(shops, run):
    run(shops, "report")
    page = shops / "output/report/north.md"
    built = page.read_text()

    def verdicts(sentence: str) -> set[str]:
        page.write_text(built.replace("## Summary\n", f"## Summary\n\n{sentence}\n"))
        done = run(shops, "checks", "output/report/north.md", "--json")
        return {item["verdict"] for item in json.loads(done.stdout)["findings"] if item["text"] in sentence}

    assert verdicts("Sales were EUR 40 in all.") == {"supported"}
    assert "supported" not in verdicts("Sales were EUR 41 in all.")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("from: [sales, rents]", "from: [sale, rents]", '8:11: unknown data "sale"'),
        ("sum(sales_eur) as sales,", "sum(sales_usd) as sales,", '9:10: Referenced column "sales_usd" not found'),
        ("from: [monthly]", "from: [yearly]", "14:18: data that is computed from itself: yearly -> yearly"),
        ("    from: [sales, rents]\n", "    from: []\n", '8:11: "from" must name the data that the sql reads'),
    ],
)
def test_what_is_wrong_with_a_question_is_told_with_its_place(shops, run, old, new, message):
    path = shops / "information/instructions/shop.md"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))

    done = run(shops, "render", "shop", "-p", "SHOP=North")

    assert done.returncode == 2
    assert f"information/instructions/shop.md:{message}" in done.stderr


@pytest.mark.parametrize(
    ("sql", "bound", "used"),
    [
        ("where a = '{A}'", "where a = $A", {"A": "x'y"}),
        ("where a = {A}", "where a = $A", {"A": "x'y"}),
        ("where a = $A", "where a = $A", {"A": "x'y"}),
        ("select '{A}, Inc.' as n", "select ($A || ', Inc.') as n", {"A": "x'y"}),
        ("select {'a': 1} as s, '{B}' as t", "select {'a': 1} as s, '{B}' as t", {}),
        ("where n > {N}", "where n > $N", {"N": 3}),
        ("select 'it''s {A}' as t", "select ('it''s ' || $A) as t", {"A": "x'y"}),
    ],
)
def test_parameters_are_bound_and_never_become_part_of_the_text(sql, bound, used):
    query = bind_names(DataQuery("q", sql=sql, tables=("t",)), {"A": "x'y", "N": 3})

    assert (query.sql, query.query) == (bound, used)


def test_no_data_is_computed_from_what_does_not_exist_or_in_a_circle():
    from trainer.actions.joins import ordered_joins
    from trainer.prompts.instruction import Instruction

    instruction = Instruction("i.md", "i.md", Path(), "")
    queries = {
        "b": DataQuery("b", sql="select 1", tables=("c",)),
        "a": DataQuery("a", sql="select 1", tables=("x", "b")),
        "c": DataQuery("c", sql="select 1", tables=("x",)),
        "x": DataQuery("x", key="x"),
    }

    assert list(ordered_joins(instruction, queries)) == ["c", "b", "a"]
    with pytest.raises(InstructionError, match="b -> c -> b"):
        ordered_joins(instruction, {**queries, "c": DataQuery("c", sql="select 1", tables=("b",))})
