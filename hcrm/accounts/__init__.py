"""Staff accounts, memberships, login and the access decision."""
