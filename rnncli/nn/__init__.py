"""Torch building blocks, one idea a file."""
