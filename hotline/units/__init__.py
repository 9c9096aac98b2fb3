"""The city's places and, later, its units: data, never code."""
