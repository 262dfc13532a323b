"""The idiom numpy.expm1(s)/s with numpy.where for s = 0, as people write it."""

import numpy

BACKENDS = "numpy"
REQUIRES = "numpy"
DTYPES = ("float32", "float64")


def phi1(s):
    return numpy.where(s == 0, numpy.ones_like(s), numpy.expm1(s) / s)
