"""Parts of the page that are opened on demand: compressed, in base 85, opened by the page's own script.

Five characters hold four bytes, which is 6 % less than base 64. ``/`` stands for ``<``, so that no tag can begin in it. All
parts are one stream, so that each begins with what the others taught. It is LZMA's, of which the page brings a decoder: 29 %
less than deflate. A Python that was built without `lzma` deflates, and the page asks the browser to inflate.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import zlib
from collections.abc import Mapping
from typing import Any

CODECS = ("lzma", "deflate") if importlib.util.find_spec("_lzma") else ("deflate",)
"""What this Python can write, the shortest first."""
LEVEL = 9
SEPARATOR = "\0"


def packed(parts: Mapping[str, str], codec: str = CODECS[0]) -> str:
    """Base 85 of one stream, names and texts by turns between NULs (HTML and JSON have none): the same parts give the
    same characters."""
    joined = SEPARATOR.join(x.replace(SEPARATOR, "") for part in parts.items() for x in part).encode()
    return base64.b85encode(_lzma(joined) if codec == "lzma" else zlib.compress(joined, LEVEL)).decode().replace("<", "/")


def unpacked(block: str, codec: str = CODECS[0]) -> dict[str, str]:
    """The parts again, by name."""
    stream = base64.b85decode(block.replace("/", "<"))
    words = (_lzma(stream, back=True) if codec == "lzma" else zlib.decompress(stream)).decode().split(SEPARATOR)
    return dict(zip(words[::2], words[1::2], strict=True))


def _lzma(data: bytes, back: bool = False) -> bytes:
    """The raw stream with its end marked that ``unlzma`` of base.js reads: lc = 4, lp = pb = 0."""
    import lzma

    reach = 1 << (26 if back else max(12, len(data).bit_length()))
    filters = [{"id": lzma.FILTER_LZMA1, "preset": LEVEL | lzma.PRESET_EXTREME, "lc": 4, "lp": 0, "pb": 0, "dict_size": reach}]
    return (lzma.decompress if back else lzma.compress)(data, lzma.FORMAT_RAW, filters=filters)


def compact(data: Any) -> str:
    """JSON without spaces; numbers that JSON cannot hold have to be words already."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
