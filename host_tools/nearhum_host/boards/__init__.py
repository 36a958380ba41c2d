"""Board files and their checks, and the application that a board gets."""
