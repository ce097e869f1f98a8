"""What the figures read: stays, classified tasks, counted answers, and what needs action now."""
