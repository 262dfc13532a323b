"""A GAN of a few dozen lines that learns a ring of points in the plane."""
