"""Timing: implementations of one contract side by side, interleaved in one run, with intervals and machine limits."""

from .campaign import run
from .cases import Case, Check, Growth, Rival, Work, load

__all__ = ["Case", "Check", "Growth", "Rival", "Work", "load", "run"]
