"""Patient-reported outcomes around retreats."""
