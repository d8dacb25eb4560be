"""The goods of the shop, one small module a family."""
