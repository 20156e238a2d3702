"""What a query can be refused for."""


class QueryError(Exception):
    """The base of all refusals; the table of problems has every one of them."""
