"""The event log: stored facts, the group-committing writer and the relay to the bus."""
