"""Recurrent cells, one a file: the recurrence over whole sequences and the bidirectional layer made of it."""
