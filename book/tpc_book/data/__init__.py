"""The data files of the book, and what is written from them."""
