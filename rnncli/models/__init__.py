"""Building blocks wired into models, in torch."""
