"""One metric a file; each returns a frozen score with a signature."""
