"""Puts this folder on the path of the tests: `reference`, `contract` and `device` are shared by
them.
"""
