"""Photo search for online stores: learns a shop's own categories from its own pictures.

    from vitrina import Shop
"""

from vitrina.errors import VitrinaError
from vitrina.progress import Progress
from vitrina.shop import Shop

__all__ = ["Progress", "Shop", "VitrinaError", "__version__"]

__version__ = "0.1.0"
