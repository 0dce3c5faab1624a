"""The web: turns a request into one service call. The only package that knows Flask."""
