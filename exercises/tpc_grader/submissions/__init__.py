"""What was handed in: bounds, storage, receipts."""
