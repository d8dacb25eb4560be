"""From a photo or from words to a category and to goods; knows no HTTP."""
