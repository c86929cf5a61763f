"""Which table a file belongs to, and the row that is made of it."""

import re

import pytest

from trainer.catalog import ColumnSignal, Signals, find_entities, find_relations, read_definitions
from trainer.catalog.definition import checked_definition
from trainer.catalog.filling import fill_row
from trainer.catalog.matching import match_table

TABLES = read_definitions()
INVOICE = """Brandt GmbH, Berlin
Invoice number: INV-2025-0042
Date: 3 March 2025
Due date: 2025-04-02
Bill to: Northern Rail Ltd.
Subtotal 1,000.00 EUR
Total amount due: 1,190.00 EUR
IBAN DE89 3704 0044 0532 0130 00
"""


@pytest.mark.parametrize(
    ("signals", "table"),
    [
        (Signals("photo.jpg", "image/jpeg"), "media"),
        (Signals("cart.ts", "text/plain", text="export function cart() {}", language="typescript"), "codebases"),
        (Signals("test_cart.py", "text/x-python", text="def test_x(): assert 1", language="python"), "verification"),
        (Signals("x.txt", "text/plain", text=INVOICE), "finance_treasury"),
        (
            Signals("a.md", "text/markdown", "Parental leave", "Employees may take sixteen weeks of leave."),
            "hr_playbooks",
        ),
    ],
)
def test_a_file_goes_where_it_belongs_and_the_reason_is_in_words(signals, table):
    match = match_table(TABLES, signals)
    assert match.table == table
    assert match.reason.startswith(f"{TABLES[table].title}: ")
    assert len(match.alternatives) == 3


def test_a_file_of_which_nothing_speaks_is_never_sure():
    assert match_table(TABLES, Signals("x", None)).confidence < 0.5
    assert match_table(TABLES, Signals("blob.bin", "application/octet-stream", text="zxqv wfgh")).confidence < 0.9


def test_columns_that_are_fields_make_rows_of_the_table():
    columns = tuple(ColumnSignal(name) for name in ("Invoice No", "Amount", "Currency", "Due date"))
    match = match_table(TABLES, Signals("a.csv", "text/csv", columns=columns))
    assert match.table == "finance_treasury"
    assert match.columns == {
        "Invoice No": "record_id", "Amount": "amount", "Currency": "currency", "Due date": "due_on"
    }  # fmt: skip


def test_columns_that_are_no_fields_leave_the_file_a_data_set():
    columns = tuple(ColumnSignal(name, "number") for name in ("bill_length_mm", "flipper_length_mm", "body_mass_g"))
    match = match_table(TABLES, Signals("penguins.csv", "text/csv", columns=columns, facts={"rows": 344}))
    assert (match.table, match.columns) == ("datasets", {})


def test_a_table_that_the_model_never_saw_is_matched_by_its_own_words():
    value = {
        "fields": {"name": "text"},
        "matches": {"words": ["sloop", "keel", "mast", "hull"], "file_names": ["*boat*"]},
    }
    tables = {**TABLES, "boats": checked_definition("boats", value)}
    text = "The sloop has a lead keel, a mast of 14 m and a hull of oak."
    assert match_table(tables, Signals("boat-12.txt", "text/plain", "Sloop", text)).table == "boats"


def test_a_row_is_made_of_labels_and_entities_each_cited_to_its_place():
    filling = fill_row(TABLES["finance_treasury"], Signals("x.txt", text=INVOICE), source="inbox/x.txt")
    expected = {
        "record_id": "INV-2025-0042", "record_type": "invoice", "amount": "1190.00", "currency": "EUR",
        "booked_on": "2025-03-03", "due_on": "2025-04-02", "counterparty": "Northern Rail Ltd.",
        "iban": "DE89370400440532013000", "source_path": "inbox/x.txt",
    }  # fmt: skip
    assert {name: filling.values.get(name) for name in expected} == expected
    for name in ("record_id", "amount", "due_on", "iban"):
        cited = filling.citations[name]
        assert INVOICE[cited.start : cited.end] == cited.text
    assert filling.citations["amount"].text == "1,190.00 EUR"


def test_entities_stand_where_they_say_and_in_one_spelling():
    text = (
        "Dr. Ada Lovelace joined Brandt GmbH in Berlin on 3 March 2025 for $1.2 million, "
        "mail ada@brandt.example, see CVE-2024-3094 and ISIN US0378331005."
    )
    entities = find_entities(text)
    assert all(text[one.start : one.end] == one.text for one in entities)
    assert {(one.kind, one.value) for one in entities} >= {
        ("person", "Ada Lovelace"), ("organisation", "Brandt GmbH"), ("place", "Berlin"), ("date", "2025-03-03"),
        ("money", "1200000 USD"), ("email", "ada@brandt.example"), ("identifier", "CVE-2024-3094"),
        ("identifier", "US0378331005"),
    }  # fmt: skip
    assert [(one.kind, one.object.text) for one in find_relations(text, entities)][:1] == [("located_in", "Berlin")]


@pytest.mark.parametrize("text", ["a" * 200_000, "A " * 100_000, "1," * 100_000, ": " * 100_000, "A-1 " * 50_000])
def test_hostile_text_takes_no_longer_than_its_length(text):
    assert fill_row(TABLES["documents"], Signals("x.txt", text=text), source="x").values["path"] == "x"


def test_the_amounts_of_other_languages_are_read():
    amounts = [one.value for one in find_entities("EUR 1.190,50 and 1 234,50 € and £3.5bn and CHF 12'000.00")]
    assert amounts == ["1190.50 EUR", "1234.50 EUR", "3500000000 GBP", "12000.00 CHF"]


def test_no_table_takes_words_that_are_no_words():
    for table in TABLES.values():
        assert all(re.search(r"\w", word) for word in table.words)
