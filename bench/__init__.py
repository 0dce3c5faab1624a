"""The bench: what the product costs, beside yardsticks taken in the same minutes."""
