"""The projection service: read models built from the published events."""
