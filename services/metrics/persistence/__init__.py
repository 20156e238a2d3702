"""Everything SQL of the metrics service: one module for each table, or for those kept together."""
