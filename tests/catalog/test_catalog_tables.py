"""The definitions: 33 built-in tables, and those of a project laid over them."""

import pytest

from trainer.catalog import find_table, read_definitions, validate_row
from trainer.core.errors import UsageError

SPECIFIED = [
    "ai_safety",
    "backup_dr",
    "business_intelligence",
    "business_playbooks",
    "codebases",
    "coding_agent",
    "compliance",
    "data_quality",
    "datasets",
    "discovery",
    "documents",
    "execution_logs",
    "feedback",
    "finance_treasury",
    "governance",
    "hr_playbooks",
    "insights",
    "market_intelligence",
    "marketing_campaigns",
    "media",
    "model_training",
    "partner_relations",
    "product_roadmaps",
    "prompts",
    "sales_assets",
    "security_runbooks",
    "self_healing",
    "sops",
    "sub_agents",
    "triggers",
    "vendor_management",
    "verification",
    "pipelines",
]


def write(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


def test_there_are_the_33_tables_of_the_specification():
    definitions = read_definitions()
    assert sorted(definitions) == sorted(SPECIFIED)
    assert definitions["self_healing"].table == "memory_self_healing_playbooks"
    assert definitions["coding_agent"].table == "memory_coding_work_orders"
    assert definitions["documents"].table == "memory_documents"


@pytest.mark.parametrize("name", SPECIFIED)
def test_each_table_has_what_a_schema_needs_and_three_examples_that_are_valid(name):
    definition = read_definitions()[name]
    assert definition.key
    assert definition.standards
    assert definition.description
    assert len(definition.examples) == 3
    assert all(definition.field(key) for key in definition.key)
    for row in definition.examples:
        assert validate_row(definition, row).problems == ()


def test_a_project_adds_a_table_and_changes_a_field(tmp_path):
    folder = write(tmp_path / "tables", "boats.yaml", "fields: {name: {type: text, required: true}}\nkey: [name]\n")
    write(folder, "sops.yaml", "fields:\n  site: text\n  department: {required: true}\nremove: [scope]\n")
    definitions = read_definitions(folder)
    assert definitions["boats"].table == "memory_boats"
    assert definitions["boats"].origin == "project"
    sops = definitions["sops"]
    assert sops.field("site").type == "text"
    assert sops.field("department").required
    assert sops.field("department").labels == ("department", "area", "unit")
    assert sops.field("scope") is None


def test_all_problems_of_all_files_are_told_at_once_with_the_nearest_name(tmp_path):
    folder = write(tmp_path / "tables", "a.yaml", "fields:\n  n: {type: intger}\n  m: {mni: 1}\nkei: [n]\n")
    write(folder, "b.yaml", "fields: {x: {references: documents.pth}}\n")
    write(folder, "c.yaml", "fields: [\n")
    with pytest.raises(UsageError) as raised:
        read_definitions(folder)
    text = str(raised.value)
    assert 'information/tables/a.yaml:2:3: unknown type of n "intger"' in text
    assert 'did you mean "integer"?' in text
    assert 'did you mean "min"?' in text
    assert 'did you mean "key"?' in text
    assert 'did you mean "documents.path"?' in text
    assert "c.yaml" in text


def test_a_misspelt_table_names_the_nearest():
    with pytest.raises(UsageError, match='did you mean "documents"'):
        find_table(read_definitions(), "memory_documnets")


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("amount", "1,190.50", "1190.50"),
        ("amount", "$12", "12"),
        ("booked_on", "3 March 2025", "2025-03-03"),
        ("booked_on", "20250303", "2025-03-03"),
        ("status", "paid", "paid"),
    ],
)
def test_values_are_read_as_people_write_them(field, value, stored):
    row = {"record_id": "1", field: value}
    assert validate_row(read_definitions()["finance_treasury"], row).values[field] == stored


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({}, "record_id is required"),
        ({"record_id": "1", "status": "payd"}, 'status: unknown value "payd" (did you mean "paid"?)'),
        ({"record_id": "1", "amount": "a lot"}, 'amount: "a lot" is no number'),
        ({"record_id": "1", "amount": float("nan")}, "amount: nan is no number"),
        ({"record_id": "1", "iban": "DE00370400440532013000"}, 'iban: "DE00370400440532013000" is no iban'),
        ({"record_id": "1", "amonut": 1}, 'unknown field of finance_treasury "amonut" (did you mean "amount"?)'),
        ({"record_id": "a\0b"}, "record_id: holds the character 0, which is no text"),
        ({"record_id": "1", "booked_on": "2025-02-30"}, 'booked_on: "2025-02-30" is no date'),
    ],
)
def test_what_is_wrong_with_a_row_is_said(row, problem):
    assert validate_row(read_definitions()["finance_treasury"], row).problems == (problem,)
