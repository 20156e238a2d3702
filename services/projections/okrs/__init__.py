"""Objectives, key results and alignments as rows in time."""
