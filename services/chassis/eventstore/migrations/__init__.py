"""The event log's tables, for every service that keeps one."""
