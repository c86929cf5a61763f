"""Personal data is treated before anything is kept, and comes back with the key alone."""

import pytest

from trainer.actions.personal import PERSONAL_KEY
from trainer.actions.prompt import Instructions, render_prepared
from trainer.actions.wiring import open_store, personal_treatment
from trainer.core.errors import ConfigError
from trainer.core.project import open_project
from trainer.security import restore_personal, treat_personal, treat_personal_json

MAIL = "emma.ohara@corp.example"


def project(root, treatment):
    return open_project(root, environ={}, overrides=[f"prompt_security.personal.treatment={treatment}"])


def test_no_file_of_the_store_holds_what_is_masked(blank):
    store = open_store(project(blank, "mask"))
    store.store("people:1", {"mail": MAIL, "tel": "0301 234567", "sales": 5}, {"by": MAIL})
    document = store.retrieve("people:1")

    assert document.data == {"mail": "[email]", "tel": "[phone]", "sales": 5}
    assert document.metadata["by"] == "[email]"
    files = [path for path in (blank / ".trainer").rglob("*") if path.is_file()]
    assert files
    assert not any(MAIL.encode() in path.read_bytes() for path in files)


def test_tokens_join_rows_and_come_back_with_their_key_alone(blank, monkeypatch):
    monkeypatch.setenv(PERSONAL_KEY, "a key of this test")
    treat = personal_treatment(project(blank, "token"))
    one, two = treat({"a": MAIL, "b": f"write to {MAIL}"}).values()

    assert two == f"write to {one}"
    assert MAIL not in one
    assert treat(one) == one
    assert restore_personal(two, key=b"a key of this test") == f"write to {MAIL}"
    with pytest.raises(ValueError, match="another key"):
        restore_personal(two, key=b"another key")


def test_without_a_key_nothing_is_hashed(blank, monkeypatch):
    monkeypatch.delenv(PERSONAL_KEY, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(blank / "state"))
    with pytest.raises(ConfigError, match="need a key"):
        personal_treatment(project(blank, "hash"))


def test_only_the_kinds_that_are_named_are_treated():
    text = f"{MAIL} from 203.0.113.77"

    assert treat_personal(text, kinds=["ip"])[0] == f"{MAIL} from [ip]"
    assert treat_personal_json({"x": [text]}, "mask", kinds=("email",)) == {"x": ["[email] from 203.0.113.77"]}


def test_a_prompt_holds_no_personal_data_of_its_parameters(blank):
    (blank / "information" / "instructions" / "letter.md").write_text(
        "---\nparams:\n  TO: {required: true}\n---\nWrite to {TO}.\n"
    )
    opened = project(blank, "mask")
    from trainer.actions.data import Sources
    from trainer.actions.model import choose_model

    prepared = Instructions(opened, Sources(opened)).prepare("letter.md", {"TO": MAIL})
    choice = choose_model(opened, {}, what="letter.md")

    assert "Write to [email]." in render_prepared(opened, prepared, {}, choice=choice).prompt.text
