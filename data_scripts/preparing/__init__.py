"""What the three preparation scripts share: from a raw data set as its owners hand it out to a data set folder.

==============  ==================================================================
`report`        everything that is wrong, collected first, told at once
`listing`       index files and folders, read in sorted order and checked
`pictures`      one image file -> RGB, resized; broken files named, not crashed on
`command`       the command line, and writing through `dmic.images.DatasetWriter`
==============  ==================================================================

Only the scripts themselves (``prepare_sysu_mm01.py`` ...) know a raw layout and its published counts.
"""
