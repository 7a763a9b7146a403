"""One file a format; each reads and writes the same records."""
