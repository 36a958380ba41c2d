# Freeze nearhum into a firmware image for an RP2040, see manifest.py.
include("manifest.py", rp2040=True)
