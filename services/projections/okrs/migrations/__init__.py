"""The tables of the okrs group."""
