"""What the product does. Services own transactions and take `now`; they never read the clock."""
