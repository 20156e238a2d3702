"""The sample company: its plans as data, and what they make of a year of days."""
