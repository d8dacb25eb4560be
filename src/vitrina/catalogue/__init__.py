"""From what a shop has (folders, tables) to products, photos and categories in the database."""
