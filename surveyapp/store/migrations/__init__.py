"""Schema versions, from the first table on."""
