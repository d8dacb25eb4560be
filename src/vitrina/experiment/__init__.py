"""A/B in the shop: two bundles share the visitors, and what became of them is compared."""
