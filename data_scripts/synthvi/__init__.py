"""SynthVI: rendered people for visible–infrared person re-identification.

One idea a file, in the order in which an image comes to be:

========== =============================================================
seeds      one seed, many independent generators
world      every knob of the generated world, and the presets
body       the CC0 body asset: shapes, joints, skinning
pose       a walking or standing pose from a gait phase
wardrobe   who a person is: shape, skin, hair, cut of the clothes
colors     which colours people wear
materials  what a colour becomes in the near-infrared, at 850 nm
figure     one person's body and its regions, ready for tailoring
drape      how cloth and hair hang: convex sections, bounded slope
pieces     a part of an outfit; boxes, tubes
garments   shirts, coats, trousers, skirts as layers of their own
shoes      shoes and boots
hair       hair, hats, scarves
bags       backpacks, handbags, shoulder bags
outfit     the mesh of one dressed person, from all of these
scenes     the place behind the person, ray traced
cameras    six cameras, their places, headings and flaws
shots      what changes from image to image
raster     the z-buffer: one pass gives label, normal, rest position
dressing   rest position -> material: stripes, logos, straps
face       rest position -> material: eyes, brows, lips, beards
folds      wrinkles of cloth and strands of hair
stage      the mesh takes its pose before the camera
shading    buffers -> visible or near-infrared picture
sensor     linear light -> eight-bit picture
render     person + camera + shot -> image
dataset    all people in parallel -> a data set folder
========== =============================================================
"""

GENERATOR_VERSION = "1.0"
