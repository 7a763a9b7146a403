"""The same models for prediction, in NumPy."""
