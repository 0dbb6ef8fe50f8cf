"""Small changes that each break one promise, wherever it is kept, with the test that has to notice."""
