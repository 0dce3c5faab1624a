"""How the product reaches people. The only package that talks to a mail server."""
