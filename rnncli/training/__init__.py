"""Training loop, optimization, export and seeding."""
