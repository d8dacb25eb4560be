"""What became of answers to photos: chips, clicks, carts and orders, without a word about whom."""
