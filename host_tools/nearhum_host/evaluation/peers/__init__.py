"""Peers: other detectors and classifiers, on the same windows and in the same run as the firmware.

They learn from the same learning period. answers.py puts them in the board's place, detectors.py
and recognisers.py define them, and own.py loads a detector of the user.
"""
