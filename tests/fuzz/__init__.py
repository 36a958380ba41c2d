"""Hostile input: what parses bytes from elsewhere, under a coverage-guided fuzzer and under the
corpus it left.
"""
