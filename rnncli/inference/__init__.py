"""Records in, predictions out: batches, decodes, restores order, streams."""
