"""Pure KPI rules: definitions, periods and readings."""
