"""A part of the SDK."""
