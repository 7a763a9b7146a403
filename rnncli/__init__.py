"""Small recurrent models for text, used like Unix filters."""
