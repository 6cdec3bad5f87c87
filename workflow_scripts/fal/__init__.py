"""Federated active learning: the methods, free of any workflow engine."""
