"""How Cairn is started and shipped."""
