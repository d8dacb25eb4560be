"""The merchant's screens: what shoppers find, what the shop has, which model answers."""
