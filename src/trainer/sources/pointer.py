"""JSON pointers (RFC 6901)."""

from __future__ import annotations

from trainer.core.values import Json


class NotThere(LookupError):
    """The document has nothing at the pointer; the message says how far it goes."""


def resolve(document: Json, pointer: str) -> Json:
    """What the document holds at `pointer`: `/studies/0/id`; all of it for the empty pointer. Raises NotThere."""
    found = document
    walked = ""
    for token in pointer.split("/")[1:] if pointer else []:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            raise NotThere(f"nothing at {walked}/{token}: {_held(found)}")
        walked += f"/{token}"
    return found


def is_pointer(text: str) -> bool:
    """Whether the text is a JSON pointer."""
    return not text or text.startswith("/")


def _held(value: Json) -> str:
    if isinstance(value, dict):
        names = sorted(value)[:10]
        return f"there are {', '.join(names)}" if names else "there is an empty object"
    return f"there is a list of {len(value)}" if isinstance(value, list) else "there is a single value"
