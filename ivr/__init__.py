"""The telephone line: SIP endpoint, cards, legs, prompts, keys, simulated citizens. Knows nothing of orders."""
