"""The shop's database: what the goods are, and which pictures show them."""
