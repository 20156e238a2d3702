"""The dashboard of one cycle: progress, pace and status by owner."""
