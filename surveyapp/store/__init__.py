"""What the product remembers. The only package that speaks SQL."""
