"""What learns: backbones, their ImageNet weights, and training on a shop's own photos.

Needs the train extra; nothing that serves imports from here.
"""
