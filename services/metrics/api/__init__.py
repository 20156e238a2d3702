"""HTTP to use case, and use case to HTTP."""
