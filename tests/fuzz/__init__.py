"""Fuzzing of everything that parses bytes from elsewhere, and the corpus of inputs it has found."""
