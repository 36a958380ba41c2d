# Freeze nearhum into a firmware image: make BOARD=RPI_PICO FROZEN_MANIFEST=.../firmware/manifest.py
include("$(PORT_DIR)/boards/manifest.py")
package("nearhum", base_path=".", opt=3)
module("main.py", base_path=".")
