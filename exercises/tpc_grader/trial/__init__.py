"""Whether an exercise tells right from wrong: solutions, changed solutions and changed answers, tried in seconds."""
