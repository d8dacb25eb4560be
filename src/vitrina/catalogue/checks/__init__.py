"""What `vitrina check` looks for, one module each, and how it is told."""
