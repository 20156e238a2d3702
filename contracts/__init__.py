"""What the services publish and agree on: events, subjects, positions and the arithmetic."""
