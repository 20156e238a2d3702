"""What two or more services need to run: no business word lives here."""
