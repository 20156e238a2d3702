"""The metrics service: KPI definitions, readings and their rollups."""
