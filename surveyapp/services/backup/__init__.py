"""Backups: making one while everything runs, putting it back, and trying that every night.

A backup is one file: a tar (a manifest, its seal, the database, files of the data folder), packed
with gzip, encrypted to a public key in the age format. It never holds keys.
"""
