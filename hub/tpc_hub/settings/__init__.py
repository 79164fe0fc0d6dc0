"""What differs between places: profiles, variables, secrets."""
