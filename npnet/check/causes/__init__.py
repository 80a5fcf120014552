"""Causes: what a wrong gradient looks like, one small question each."""
