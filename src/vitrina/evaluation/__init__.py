"""How good a model is: figures from its answers, whatever gave them."""
