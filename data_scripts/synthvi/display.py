"""Display values and linear light: colours are drawn and stored as display values 0..1, light is added up in linear values.

linear = display ** GAMMA. Numba's cache looks at one file only: after a change here, delete ``data_scripts/**/__pycache__``.
"""

GAMMA = 2.2
