"""From what the caller said to the draft of a work order."""
