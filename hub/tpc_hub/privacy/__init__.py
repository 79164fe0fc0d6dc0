"""Everything that a campus holds about a person: given out, erased."""
