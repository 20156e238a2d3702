"""The tables that every group of read models follows its stream with."""
