"""Start the application of this board, which choose_app chooses.

Both files stay the same from one application to the next. `deploy` appends the SHA-256 of the file
to each of them. This file checks choose_app, which checks this file.
"""

import sys


def chosen():
    """Return the name of the module to run, or None after printing why there is none."""
    from hashlib import sha256

    path = "/choose_app.mpy"
    try:
        with open(path, "rb") as f:
            code = f.read()
        if sha256(code[:-32]).digest() != code[-32:]:
            code = None
    except OSError:
        code = b""  # It was copied as source, or is frozen into the firmware.
    try:
        if code is not None:
            import choose_app

            del sys.modules["choose_app"]
            return choose_app.choose()
    except ImportError as e:
        sys.print_exception(e)
    print("nearhum: %s is not as it was deployed. deploy again: `nearhum deploy`" % path)


name = chosen()
if name:
    # Old applications, from before there were two folders, and a loop of your own run while they
    # are imported. Others have `begin`, because an import leaves objects on the stack, which keeps
    # memory from being freed.
    begin = getattr(__import__(name, None, None, ("begin",)), "begin", None)
    del name, chosen
    if begin:
        begin()
