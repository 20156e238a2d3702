"""Everything SQL: the log's construction, the indexes of what is in it, and what KPIs said."""
