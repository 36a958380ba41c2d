# Freeze nearhum into a firmware image: make BOARD=... FROZEN_MANIFEST=.../firmware/manifest.py
# For an RP2040 use .../firmware/manifest_rp2040.py, which adds the kernels in inline assembler.
# Other chips cannot compile those. The settings still come from /nearhum.json on the file system,
# written by `nearhum deploy` or by yourself.
import os

options.defaults(rp2040=False)

include("$(PORT_DIR)/boards/manifest.py")
package(
    "nearhum",
    base_path=".",
    files=[
        os.path.relpath(os.path.join(folder, name), "nearhum")
        for folder, _, names in sorted(os.walk("nearhum"))
        for name in sorted(names)
        if name.endswith(".py") and (options.rp2040 or not name.startswith("thumb"))
    ],
    opt=3,
)
module("main.py", base_path=".", opt=3)
module("choose_app.py", base_path=".", opt=3)
