"""Measuring: recipes over seeds, camera pairs, speed. ``python -m dmic.lab.<module>``; nothing of the package needs it."""
