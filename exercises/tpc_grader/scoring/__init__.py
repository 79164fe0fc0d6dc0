"""From a rebuilt submission to what the sandbox runs, and from its answers to points."""
