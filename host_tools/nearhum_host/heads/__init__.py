"""Heads: small int8 networks, from labelled recordings or from ONNX, to the file that a board runs.

In the order of the way: labelled (recordings with a label each), fitting and convolution (weights),
onnx_graph (weights of a network trained elsewhere), layers (int8), card (the file), cost (what it
takes on a board). `training` binds them.
"""
