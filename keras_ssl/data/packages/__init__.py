"""Texts that packages of a system or of a language bring along: where their files are, and how to read them."""
