"""The console script as a process, filed by what is promised."""
