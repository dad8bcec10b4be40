"""SynthVI: rendered people for visible–infrared person re-identification.

One idea a file, in the order in which an image comes to be:

========== =============================================================
seeds      one seed, many independent generators
world      every knob of the generated world, and the presets
body       the CC0 body asset: shapes, joints, skinning
pose       a walking pose from a gait phase
wardrobe   who a person is: shape, skin, hair, clothes, colours
materials  what colour a material has in the visible, and at 850 nm
outfit     the mesh of one dressed person
scenes     the place behind the person, ray traced
cameras    six cameras, their places, headings and flaws
shots      what changes from image to image
raster     the z-buffer: one pass gives label, normal, rest position
dressing   rest position -> material: hems, stripes, logos, beards
stage      the mesh takes its pose before the camera
shading    buffers -> visible or near-infrared picture
sensor     linear light -> eight-bit picture
render     person + camera + shot -> image
dataset    all people in parallel -> a data set folder
========== =============================================================
"""

GENERATOR_VERSION = "1.0"
