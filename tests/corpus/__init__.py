"""Runs the published messages beside the project through the product's own rooms: `make corpus`."""
