"""What became of searches: chips, clicks, carts and orders, without a word about whom."""
