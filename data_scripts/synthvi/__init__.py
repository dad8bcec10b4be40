"""SynthVI: rendered people for visible–infrared person re-identification.

One idea a file, in the order in which an image comes to be:

========== =============================================================
seeds      one seed, many independent generators
world      every knob of the generated worlds, and the presets
sightings  how often each camera sees each person; SYSU-MM01's counts
body       the CC0 body asset: shapes, joints, skinning
pose       a walking or standing pose from a gait phase
wardrobe   who a person is: shape, skin, hair, cut of the clothes
season     clothes for heat
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
cameras    the cameras, their places, headings and flaws
textures   value noise, tiles, bricks, planks, leaves
tracing    a small ray tracer: boxes, cylinders, bushes on a floor
things     walls, windows, furniture, plants from three solids
scenes     rooms and streets; the place behind the person
shots      what changes from image to image
raster     the z-buffer: one pass gives label, normal, rest position
dressing   rest position -> material: stripes, logos, straps
face       rest position -> material: eyes, brows, lips, beards
folds      wrinkles of cloth and strands of hair
stage      the mesh takes its pose before the camera
shading    buffers -> visible or near-infrared picture
shadow     the person's shadow on the floor
foreground obstacles and other people, as cutouts
grain      the sensor's noise, as numpy draws it
sensor     linear light -> motion blur, noise, eight bits, JPEG
render     person + camera + shot -> image
factors    what the manifest says about an image
dataset    all people in parallel -> a data set folder
compiled   how the loops of all these are compiled
speed      how fast one core renders
========== =============================================================
"""

GENERATOR_VERSION = "2.0"
