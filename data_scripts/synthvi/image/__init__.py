"""How the picture comes to be: rasteriser, shading, shadow, sensor."""
