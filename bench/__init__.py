"""Measurements; not tests, they hold nobody to a number."""
