"""Laws are collected from the modules of this folder."""

from detrace.plugin import collect_laws as pytest_collect_file

__all__ = ["pytest_collect_file"]
