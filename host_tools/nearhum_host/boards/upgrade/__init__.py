"""A new application on a board, written beside the one that runs."""
