"""Pages made from data: courses, people, events, pathways."""
