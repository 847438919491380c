"""Benchmarks: scripts that print ratios against named rivals, and asv suites of the same."""
