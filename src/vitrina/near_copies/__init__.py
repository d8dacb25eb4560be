"""Near copies among the shop's photos: the same picture resized, recompressed, cropped, mirrored.

Three steps, each on what the one before let through:

1. `perceptual_hash`: 64-bit hashes of each photo and of windows inside it; photos whose hashes
   differ in few bits are candidates, found through an index and not by comparing all pairs;
2. `alignment`: the window that lays one over the other best, and how well it then correlates;
3. `details`: edges compared at a finer scale, and colours: goods that merely look alike, such as
   two bulbs on white, share their outline but not their edges.

What is found is joined into groups: a copy of a copy belongs to the same group.
"""

from vitrina.near_copies.groups import CopyGroups, CopyPair, Embeddings, near_copies, small_pictures

__all__ = ["CopyGroups", "CopyPair", "Embeddings", "near_copies", "small_pictures"]
