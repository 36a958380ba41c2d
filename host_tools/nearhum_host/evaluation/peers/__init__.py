"""Peers: what a user would take instead, on the windows that the firmware saw, in the same run.

They learn from the same learning period. answers.py puts them in the board's place; detectors.py
and recognisers.py hold them; own.py loads a detector that somebody is writing.
"""
