"""Widgets of the notebooks: replica board, route explorer, weight slider."""
