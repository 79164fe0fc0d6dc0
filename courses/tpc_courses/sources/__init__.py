"""Manifests, lessons and exercises, read from their files."""
