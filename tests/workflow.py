"""The commands of a GitHub Actions workflow of the plain kind that `detrace init` writes."""

from __future__ import annotations

import re


def steps(text: str) -> dict[str, str]:
    """Step's name → its shell commands, of the steps that have both."""
    found = {}
    for block in re.split(r"^      - ", text, flags=re.M)[1:]:
        name = re.match(r"name: (.*)", block)
        command = re.search(r"^        run: (\|\n(?:          .*\n|\n)*|.*\n)", block, flags=re.M)
        if name and command:
            found[name[1]] = re.sub(r"^          ", "", command[1].removeprefix("|\n"), flags=re.M)
    return found
