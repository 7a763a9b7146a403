"""Search over scores, in NumPy; knows no model."""
