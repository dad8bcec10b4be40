"""Display values and linear light: colours are drawn and stored as display values 0..1, light is added up in linear values.

linear = display ** GAMMA.
"""

GAMMA = 2.2
