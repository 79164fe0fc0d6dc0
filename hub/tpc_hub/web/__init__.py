"""The campus service: pages for students and instructors, and the door to the book."""
