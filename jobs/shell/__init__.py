"""The process: command line, options, result, signals and deadline."""
