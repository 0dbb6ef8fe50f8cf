"""One outside each, in our terms; its errors become ours here."""
