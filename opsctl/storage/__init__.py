"""Capacity and performance of storage (P19): measured, judged, forecast."""
