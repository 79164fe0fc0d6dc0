"""The book as files, as a whole or while somebody writes it."""
