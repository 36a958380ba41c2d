"""Start the application of this board: choose_app says which, and goes.

Both files stay the same from one application to the next. `deploy` ends each of them with the
SHA-256 of what stands before it: this one checks choose_app, which checks this one.
"""

import sys


def chosen():
    """Return the name of the module to run, None where none can be."""
    from hashlib import sha256

    path = "/choose_app.mpy"
    try:
        with open(path, "rb") as f:
            code = f.read()
        if sha256(code[:-32]).digest() != code[-32:]:
            code = None
    except OSError:
        code = b""  # it was copied here as source, or is frozen into the firmware
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
    # An application of before there were two folders, and a loop of your own, run while they are
    # imported. Others do not: what an import leaves on the stack keeps memory from being freed.
    begin = getattr(__import__(name, None, None, ("begin",)), "begin", None)
    del name, chosen
    if begin:
        begin()
