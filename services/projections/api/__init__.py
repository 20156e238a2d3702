"""What the routes of all read models share, and the routes that belong to none of them."""
