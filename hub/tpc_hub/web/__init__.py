"""The campus service: the home page after sign-in, the class page for instructors, the door to the book."""
