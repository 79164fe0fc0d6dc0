"""Links, words, colours, and what was made before."""
