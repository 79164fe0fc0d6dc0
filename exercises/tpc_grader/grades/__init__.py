"""What work is worth today: parts, due dates, extensions, who sees it."""
