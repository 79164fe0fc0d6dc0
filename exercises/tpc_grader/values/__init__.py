"""Plain data between processes: numbers, arrays, containers, files."""
