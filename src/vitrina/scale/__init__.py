"""The heavy jobs on a Ray cluster: the same functions as on one machine, on many at once.

Nothing that serves imports anything of this, and nothing of it imports Ray before it is asked to
work: Ray is the extra `vitrina[scale]`. All nodes must see the shop's folder at the same path.
"""
