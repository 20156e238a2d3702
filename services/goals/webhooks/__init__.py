"""Webhooks: chosen events of the log, signed and sent to systems that cannot speak NATS."""
