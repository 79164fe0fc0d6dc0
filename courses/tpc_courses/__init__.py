"""Reads and checks what is taught: course manifests, lessons, exercises."""
