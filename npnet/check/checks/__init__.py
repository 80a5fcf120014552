"""Checks: what every layer holds to, whatever it computes; one function each."""
