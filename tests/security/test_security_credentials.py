import pytest

from trainer.security import find_secrets, mask_secrets

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
    assert mask_secrets(f"key: ({SECRETS[kind]}).") == f"key: ([secret:{kind}])."


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://bob:hunter2@db:5432/x", "postgresql://bob:[secret:url_password]@db:5432/x"),
        ("Authorization: Bearer abc123def456ghi", "Authorization: Bearer [secret:bearer_token]"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [secret:basic_credentials]"),
        ('{"api_key": "a1b2c3d4e5"}', '{"api_key": "[secret:named_value]"}'),
        ("OPENAI_API_KEY=a1b2c3d4e5", "OPENAI_API_KEY=[secret:named_value]"),
        ("https://x.example/q?token=a1b2c3d4e5&x=1", "https://x.example/q?token=[secret:named_value]&x=1"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\nrest",
            "[secret:private_key]\nrest",
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


def test_known_values_are_masked_whatever_their_shape():
    assert mask_secrets("login with swordfish", known=["swordfish", ""]) == "login with [secret:known]"


def test_masking_twice_changes_nothing():
    text = mask_secrets(" ".join(SECRETS.values()))

    assert mask_secrets(text) == text


def test_a_secret_inside_another_is_named_once():
    token = SECRETS["jwt"]

    assert [(secret.kind, secret.start) for secret in find_secrets(f"Bearer {token}")] == [("jwt", 7)]
