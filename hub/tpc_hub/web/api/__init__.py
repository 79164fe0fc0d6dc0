"""What programs ask: hand-ins, receipts, metrics, the book's files."""
