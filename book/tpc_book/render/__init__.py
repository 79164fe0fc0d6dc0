"""One page's syntax tree to HTML, node by node."""
