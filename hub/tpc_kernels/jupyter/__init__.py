"""What a forked process becomes: a Jupyter server for one person, or a kernel."""
