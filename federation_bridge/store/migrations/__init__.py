"""The database's shape, step by step, for Alembic. What the steps add up to stands in `store/tables.py`."""
