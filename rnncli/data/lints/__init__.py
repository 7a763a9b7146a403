"""Lints: what is odd about gold data that can be read, one idea a module."""
