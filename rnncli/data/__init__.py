"""Records, vocabularies, tokenization, tag schemes and file formats; no torch."""
