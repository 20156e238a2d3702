"""The alignment tree: who contributes to what, with rolled-up progress."""
