"""Work orders: what an accepted draft becomes."""
