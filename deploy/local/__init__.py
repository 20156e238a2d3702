"""The local stack on real servers, and the cairn command line."""
