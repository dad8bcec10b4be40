"""Where and how fast things run: devices, threads, compiled loops, layers, progress."""
