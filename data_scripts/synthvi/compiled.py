"""How loops are compiled: once per machine, and with numpy's divisions, that give inf or nan where the divisor is 0.

Python's divisions raise an error there; checking for it took a twentieth of the renderer's time.
"""

from __future__ import annotations

from dmic.compute.jit import njit

compiled = njit(error_model="numpy")
inlined = njit(error_model="numpy", forceinline=True)  # into every loop that calls it
