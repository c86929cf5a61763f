"""Pictures: their size, what the camera wrote, and where it stood."""

from __future__ import annotations

import io
import warnings

from trainer.core.cells import plain
from trainer.core.errors import ConversionError, Where
from trainer.core.values import Json

_LONGEST = 2_000
_IGNORED = frozenset(
    ("MakerNote", "UserComment", "PrintImageMatching", "JPEGThumbnail", "TIFFThumbnail", "GPSInfo", "ExifOffset")
)
"""Tags that hold bytes, or places in the file, of no use to a reader."""


def describe_image(content: bytes, shown: str) -> dict[str, Json]:
    """`format`, `width`, `height`, `mode`, `frames` and `exif` by the names of its tags, positions in degrees.

    Pixels are not decoded, so that a picture that would unpack to gigabytes costs nothing. Raises ConversionError.
    """
    from PIL import ExifTags, Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as image:
                described: dict[str, Json] = {
                    "format": image.format, "width": image.width, "height": image.height, "mode": image.mode,
                    "frames": getattr(image, "n_frames", 1),
                }  # fmt: skip
                tags = image.getexif()
                exif = {ExifTags.TAGS.get(tag, str(tag)): value for tag, value in tags.items()}
                exif |= {ExifTags.TAGS.get(tag, str(tag)): value for tag, value in tags.get_ifd(0x8769).items()}
                place = _position(tags.get_ifd(0x8825))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        hint = "open it in a viewer, and save it again"
        # Pillow names the object in memory, with its address, of a picture that it does not know.
        why = "" if isinstance(error, UnidentifiedImageError) else f": {error}"
        raise ConversionError(f"a picture that cannot be read{why}", where=Where(shown), hint=hint) from None
    named: dict[str, Json] = {
        name: _value(value) for name, value in exif.items() if name not in _IGNORED and not isinstance(value, bytes)
    }
    if named:
        described["exif"] = named
    if place:
        described["position"] = place
    return described


def _value(value: object) -> Json:
    if isinstance(value, str):
        return value.strip("\0 ")[:_LONGEST]
    try:
        return plain(value if isinstance(value, int | float | tuple) else float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return str(value)[:_LONGEST]


def _position(gps: dict[int, object]) -> dict[str, Json] | None:
    """Latitude and longitude in degrees; None where the picture does not say."""
    try:
        latitude, longitude = (_degrees(gps[tag]) for tag in (2, 4))
        south, west = (str(gps[tag]).upper() for tag in (1, 3))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return {
        "latitude": round(-latitude if south == "S" else latitude, 6),
        "longitude": round(-longitude if west == "W" else longitude, 6),
    }


def _degrees(parts: object) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)  # type: ignore[attr-defined]
    return degrees + minutes / 60 + seconds / 3600
