"""Parts of the page that are opened on demand: deflated, in base 85, inflated by the page's own script.

Five characters hold four bytes, which is 6 % less than base 64. ``/`` stands for ``<``, so that no tag can begin in it. All
parts are one stream, so that each begins with what the others taught: 4 % less than a stream each.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

LEVEL = 9
SEPARATOR = "\0"


def packed(parts: Mapping[str, str]) -> str:
    """Base 85 of one zlib stream, names and texts by turns between NULs (HTML and JSON have none): the same parts give the
    same characters."""
    joined = SEPARATOR.join(x.replace(SEPARATOR, "") for part in parts.items() for x in part)
    return base64.b85encode(zlib.compress(joined.encode(), LEVEL)).decode().replace("<", "/")


def unpacked(block: str) -> dict[str, str]:
    """The parts again, by name."""
    words = zlib.decompress(base64.b85decode(block.replace("/", "<"))).decode().split(SEPARATOR)
    return dict(zip(words[::2], words[1::2], strict=True))


def compact(data: Any) -> str:
    """JSON without spaces; numbers that JSON cannot hold have to be words already."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
