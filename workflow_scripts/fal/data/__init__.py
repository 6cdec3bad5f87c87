"""Which images there are and who holds them."""
