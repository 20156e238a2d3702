"""The tables beside the goals log: indexes of what is in it, and what was heard of KPIs."""
