"""The tables beside the metrics log: KPIs, their readings, and what these came to."""
