"""Every fault at every call of every command: the table of what is promised, and the runs that hold to it."""
