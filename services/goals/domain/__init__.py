"""Pure OKR rules: decisions and the events they lead to."""
