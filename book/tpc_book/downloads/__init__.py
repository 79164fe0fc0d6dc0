"""The book in other forms: EPUB, PDF, cards, files for search engines."""
