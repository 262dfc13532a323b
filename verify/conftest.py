"""Laws are collected from the modules of this folder."""

from detrace.plugin import collect_laws as pytest_collect_file
from detrace.plugin import spare_the_collector

__all__ = ["pytest_collect_file"]


def pytest_collection_finish() -> None:
    spare_the_collector()
