"""What a built book must pass before it is published: each gate looks at all pages and returns every problem."""
