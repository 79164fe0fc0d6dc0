"""The campus's tables, the audit log, and locks."""
