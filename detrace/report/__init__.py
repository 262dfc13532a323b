"""The page: one results document in, one self-contained HTML file out.

Nothing in the page loads from a network; it works from a file, with and without JavaScript, under a content-security
policy that admits only the style and the script that are printed in it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .page import render

__all__ = ["render", "write"]


def write(results: dict[str, Any], path: str | os.PathLike[str], history: Mapping[str, Any] | None = None) -> None:
    """Render `results` and put the page at `path`, whole or not at all; missing folders are made.

    `history` (`detrace.gate.history.trend`) is drawn in the section on trends, before what the results hold.

    Raises
    ------
    detrace.results.ResultsError : when the document is not one that this version can show.
    """
    from ..results import write_text

    write_text(render(results, history), Path(path))
