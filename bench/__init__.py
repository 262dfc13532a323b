"""What is timed: one module a family, peers and rivals side by side, machine limits drawn in."""

from detrace.timing import run

__all__ = ["run"]
