"""SynthVI: rendered people for visible–infrared person re-identification.

One idea a file. At the top: what is requested and what is written. In three packages: the steps of making an image, in their order.

============================ =============================================================
world                        every knob of the generated worlds, and the presets
knobs                        knobs by name: read, checked, errors with near matches
seeds                        one seed, many independent generators
appearances                  appearance counts: how often each camera sees each person
captures                     what changes from walk to walk and from image to image
render                       person + camera + capture -> image
composition                  a window of a camera's frame: place, shadows, people, things
light                        light of sun, sky and lamp on people and places
annotations                  manifest columns that describe capture, camera and person
dataset                      all people in parallel -> a data set folder
speed, flaws, frames         how fast one core renders; counts of flaws; pictures of frames
compiled                     how the loops of all these are compiled
display                      display values and linear light: gamma

person/body                  the CC0 body asset: shapes, joints, skinning
person/rotations, limbs      rotation matrices; arms, legs and fingers in the rest pose
person/pose                  a walking or standing pose from a gait phase
person/carriage, posture     how a person holds body and arms in every pose; phone, pockets, …
person/wardrobe              who a person is: shape, skin, hair, cut of the clothes
person/details               prints, cuts, faces, shoes: who has which
person/season                clothes for heat
person/colors                which colours people wear
person/materials, cloth      rows of a person's tables; what they reflect at 850 nm
person/mannequin             one person's body and its regions, ready for tailoring
person/drape                 how cloth and hair hang: convex sections, bounded slope
person/pieces                a part of an outfit; boxes, tubes
person/garments              shirts, coats, trousers, skirts as layers of their own
person/shoes, hair           shoes and boots; the cap of hair, hats, scarves
person/hairstyles, tied_hair forms of hair styles; buns, tails, braids
person/collars               collars, hoods, lapels, the cut of tops and coats
person/straps, bags          ribbons that lie on the clothes; bags and how they are worn
person/outfit                the mesh of one dressed person, from all of these
person/dressing, face        rest position -> material: stripes; eyes, beards, glasses
person/motifs, prints        28 motifs; where garments and bags show them
person/cuts                  yokes, panels, bands, stripes, pockets in the second colour
person/folds                 wrinkles of cloth and strands of hair

place/cameras                the cameras: where they hang, what their frames see, flaws
place/textures               value noise, tiles, bricks, planks, leaves
place/solids, cells          boxes, cylinders, bushes; which of them matter where
place/tracing                a small ray tracer: solids on a floor, under sun and sky or a lamp
place/props                  walls, windows, furniture, plants from three solids
place/scenes                 rooms, streets, parks; what a camera sees of them
place/obstacles              what stands between the camera and a person

image/gbuffer                the mesh takes its pose in the frame and is rasterised
image/raster                 the z-buffer: label, normal, rest position; ambient occlusion
image/shading                buffers -> linear light of a person, in either spectrum
image/flattening             triangles flattened onto the floor along the light
image/blur                   blur of any width from running sums
image/soles                  the dark line under soles
image/shadow                 the person's shadow: the sun's on the floor, the lamp's on all behind
image/layers                 windows of a frame; layers laid over each other
image/exposure               automatic gain
image/sensor                 linear light -> blur, noise, tone, eight bits, JPEG
image/boxes                  the box of a person: found, cut out, resized
============================ =============================================================
"""

GENERATOR_VERSION = "4.0"
