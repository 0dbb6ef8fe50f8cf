"""What holds for every command: options, logins, output."""
