"""The shop's page: what a shopper sees, and nothing that knows how the search works."""
