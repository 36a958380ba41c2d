"""One file a command.

What is slow to import is imported inside its function: `nearhum --help` reads all.
"""
