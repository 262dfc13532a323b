"""Mistakes in weight clipping: each a line of NumPy."""

from __future__ import annotations

import numpy as np

from detrace import mutant

NEAREST = "clipping_moves_each_weight_to_the_nearest_bound"
MEANS = "clipped_linear_critic_measures_means"
LINE = "clipped_linear_critic_is_c_times_the_distance_at_best"


@mutant("clip_weights", rejected_by=(NEAREST, MEANS, LINE))
def clipping_from_above_only(w, c):
    """min(w, c): negative weights grow without bound."""
    return np.minimum(w, np.asarray(c, w.dtype))


@mutant("clip_weights", rejected_by=(NEAREST, MEANS, LINE))
def clipping_to_positive_weights(w, c):
    """[0, c] for [−c, c]: the critic can only rise."""
    return np.clip(w, 0, c)


@mutant("clip_weights", rejected_by=(NEAREST, MEANS))
def clipping_of_the_norm(w, c):
    """w·min(1, c/‖w‖), the rule for gradients: a ball for the box, the Euclidean norm for the 1-norm."""
    return (w * min(1.0, c / max(float(np.linalg.norm(w)), c))).astype(w.dtype)


@mutant("clip_weights", rejected_by=(NEAREST,))
def clipping_by_rescaling(w, c):
    """w·c/max|w|: all weights shrink, or grow, with the largest."""
    return (w * (c / max(float(np.abs(w).max(initial=0.0)), 1e-30))).astype(w.dtype)


@mutant("clip_weights", rejected_by=(NEAREST, LINE))
def clipping_softly(w, c):
    """c·tanh(w/4c): weights within the bounds move too, and none reaches them."""
    return (c * np.tanh(w / (4 * c))).astype(w.dtype)
