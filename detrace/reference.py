"""The references for everybody's scripts, wherever they lie: ``from detrace.reference.single_loss import training_step``.

Plain functions on the caller's arrays; they need NumPy, array-api-compat and nothing else of this package. A checkout has them
beside it, a wheel inside.
"""

from pathlib import Path

_here = Path(__file__).resolve().parent
__path__ = [str(p) for p in (_here / "_suite" / "reference", _here.parent / "reference") if p.is_dir()]
