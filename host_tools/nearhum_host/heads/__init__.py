"""Heads: small int8 networks that a board runs between features and prototypes.

Enters: labelled recordings, or an ONNX file. Leaves: a head file (.nhh).

The modules in the order of the data: labelled (recordings, each with a label), fitting and
convolution (train weights), onnx_graph (weights of a network trained elsewhere), layers (int8),
card (the file), cost (flash, heap and time on a board). `training` calls them all.
"""
