"""Inner loops in C: optional, and equal to the NumPy and torch loops that they stand in for."""
