import pickle

import pytest

from trainer.core.secrets import (
    MASK,
    Secret,
    find_secrets,
    is_secret_name,
    keep_secret,
    mask_json,
    mask_known,
    mask_secrets,
)

# every value is made up, and put together here so that no scanner takes this file for a leak
DIGITS = "0123456789abcdefABCDEF0123456789abcdefABCDEF"
SECRETS = {
    "anthropic_key": "sk-" + "ant-api03-" + DIGITS,
    "openrouter_key": "sk-" + "or-v1-" + DIGITS,
    "openai_key": "sk-" + "proj-" + DIGITS,
    "github_token": "ghp" + "_" + DIGITS[:36],
    "gitlab_token": "glpat" + "-" + DIGITS[:20],
    "aws_key_id": "AKIA" + "IOSFODNN7EXAMPLE",
    "google_key": "AIza" + DIGITS[:35],
    "slack_token": "xoxb" + "-1234567890-abcdef",
    "stripe_key": "sk" + "_live_" + DIGITS[:24],
    "huggingface_token": "hf" + "_" + DIGITS[:34],
    "npm_token": "npm" + "_" + DIGITS[:36],
    "pypi_token": "pypi" + "-AgEIcHlwaS5vcmc" + DIGITS,
    "groq_key": "gsk" + "_" + DIGITS,
    "jwt": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".c2lnbmF0dXJl",
}


@pytest.mark.parametrize("kind", sorted(SECRETS))
def test_a_known_shape_is_masked(kind):
    assert mask_secrets(f"key: ({SECRETS[kind]}).") == "key: (********)."


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://bob:hunter2@db:5432/x", "postgresql://********@db:5432/x"),
        ("Authorization: Bearer abc123def456ghi", "Authorization: Bearer ********"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ********"),
        ('{"api_key": "a1b2c3d4e5"}', '{"api_key": "********"}'),
        ("OPENAI_API_KEY=a1b2c3d4e5", "OPENAI_API_KEY=********"),
        ("https://x.example/q?token=a1b2c3d4e5&x=1", "https://x.example/q?token=********&x=1"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\nrest",
            "********\nrest",
        ),
    ],
)
def test_a_secret_in_its_surroundings_is_masked_alone(text, masked):
    assert mask_secrets(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "risk-adjusted return of a task-based plan",
        "max_tokens: 4000, tokens=1200",
        "https://www.sec.gov/Archives/edgar/data/1551152/000155115225000010/abbv-20241231.htm",
        "the bearer of this note is entitled to 1000 shares",
        "https://example.com:8080/path and a@b.example",
        "api_key: ${OPENAI_API_KEY}",
        "sha256 3f786850e387550fdab836ed7e6dc881de23001b",
        "password: required",
    ],
)
def test_ordinary_text_is_not_masked(text):
    assert mask_secrets(text) == text


@pytest.mark.parametrize("kind", sorted(SECRETS))
def test_a_known_shape_is_named(kind):
    assert [span.kind for span in find_secrets(f"key: ({SECRETS[kind]}).")] == [kind]


def test_known_values_are_masked_whatever_their_shape():
    assert mask_secrets("login with swordfish", values=["swordfish", ""]) == "login with ********"


@pytest.mark.parametrize("text", ["a=canary%2BKEY%2F98765%3D%3D", '"canary+KEY/98765=="', "canary+KEY/98765== again"])
def test_a_known_value_is_masked_as_addresses_and_json_spell_it(text):
    assert "98765" not in mask_secrets(text, [Secret("canary+KEY/98765==")])


def test_of_two_known_values_the_longer_goes_first():
    assert mask_secrets("swordfish", ["word", "swordfish"]) == MASK


def test_a_value_of_a_few_letters_is_not_masked_for_ordinary_text_would_go_too():
    assert mask_secrets("it is on", ["on", ""]) == "it is on"


def test_json_is_masked_in_its_texts_and_keys_and_where_a_key_names_a_secret():
    value = {"swordfish": ["a swordfish", 1, None], "password": "abc12345", "deep": {"note": "abc12345"}}

    assert mask_json(value, [Secret("swordfish")]) == {
        MASK: [f"a {MASK}", 1, None],
        "password": MASK,
        "deep": {"note": "abc12345"},
    }


def test_the_user_part_of_an_address_is_masked_whole():
    assert mask_secrets("https://a1b2c3d4e5f6a7b8c9@host/x ssh://git@host") == f"https://{MASK}@host/x ssh://git@host"


def test_a_secret_shows_itself_to_nobody_who_does_not_ask():
    secret = Secret("swordfish")

    assert (repr(secret), str(secret), f"{secret}", secret.reveal()) == (*[f"Secret('{MASK}')"] * 3, "swordfish")
    with pytest.raises(TypeError, match="not written down"):
        pickle.dumps(secret)


def test_masking_twice_changes_nothing():
    text = mask_secrets(" ".join(SECRETS.values()))

    assert mask_secrets(text) == text


def test_a_secret_inside_another_is_named_once():
    token = SECRETS["jwt"]

    assert [(secret.kind, secret.start) for secret in find_secrets(f"Bearer {token}")] == [("jwt", 7)]


def test_what_is_kept_as_a_secret_is_masked_everywhere_from_then_on():
    text = "login swordfish at https://h/?k=sword%2Ffish and sk-0123456789abcdefghij"
    assert mask_known(text) == text

    keep_secret("swordfish")
    keep_secret("sword/fish")

    assert mask_known(text) == f"login {MASK} at https://h/?k={MASK} and sk-0123456789abcdefghij"
    assert mask_secrets(text) == f"login {MASK} at https://h/?k={MASK} and {MASK}"
    assert mask_json({"a": ["swordfish"]}, shapes=False) == {"a": [MASK]}


def test_a_short_value_is_kept_in_running_text_unless_it_is_a_key():
    keep_secret("ABBV")
    assert mask_known("ABBV rose") == "ABBV rose"
    keep_secret("ABBV", shortest=4)
    assert mask_known("ABBV rose") == f"{MASK} rose"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("api_key", True),
        ("Authorization", True),
        ("X-Api-Key", True),
        ("client_secret", True),
        ("connection_string", True),
        ("max_tokens", False),
        ("token_url", False),
        ("key", False),
        ("secretary", False),
    ],
)
def test_a_name_says_whether_it_names_a_secret(name, secret):
    assert is_secret_name(name) is secret


def test_a_secret_behind_an_escaped_space_is_one() -> None:
    assert mask_secrets("?q=a%20ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2") == "?q=a%20********"
