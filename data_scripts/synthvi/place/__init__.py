"""Where they are seen: cameras, ray-traced rooms and streets, props, what stands in the way."""
