"""Migrations of the service's tables: `0002_what_changed.py` brings schema 1 to 2; see `index/migrate.py`."""
