"""``python -m detrace``."""

from .cli import main

main()
