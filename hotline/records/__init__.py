"""The append-only ledger: audit trail, outbox and memory of everything that happened."""
