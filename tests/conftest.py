"""Tests of every package share this folder on the path; what one package needs stands in its own module."""
