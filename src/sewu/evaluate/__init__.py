"""Labelled data -> measured error."""
