"""The goals service: OKR life cycles, from plan to score."""
