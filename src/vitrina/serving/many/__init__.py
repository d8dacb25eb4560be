"""Several shops in one server, none of which can starve the others."""
