"""Setting: the verb `set`, with what is checked before a setting is kept.

Loaded where it is asked, over a pipeline or in safe mode.
"""

from nearhum.errors import CommandError
from nearhum.lifetime import let_go


def set_(hum, words):
    """set [yes] KEY VALUE | KEY default

    hum: a pipeline, with whose head, plan, state and labels the new settings are compared; or in
    safe mode what stands there, without a detector.
    """
    sure = words[:1] == ["yes"]
    try:
        if len(words) < 2 + sure:
            raise CommandError("set needs a name and a value", "`get` lists the settings")
        return _put(hum, words[sure], " ".join(words[sure + 1 :]), sure)
    finally:
        let_go(("console.setting", "console.checks", "storage.changed"))


def _put(hum, name, text, sure):
    # sure: also where what was learned would be of no use
    from nearhum import config
    from nearhum.console import checks
    from nearhum.settings import SETTINGS
    from nearhum.storage import changed

    if name not in SETTINGS:
        raise CommandError(
            "no setting is called %r%s" % (name[:40], checks.near(name[:40], SETTINGS)),
            "`get` lists them",
        )
    # "" is no text: a line ends before it
    value = None if text == "default" else config.parse(name, "" if text == '""' else text)
    learned = getattr(hum, "detector", None)

    def check(settings):
        plan = checks.whole(settings)
        if not learned:
            return
        found = checks.prints(settings, plan, hum)
        if sure or found == hum.store.fingerprint:
            return
        # the first windows of a learning period are no prototype yet
        if (
            learned.prototypes.counts
            or hum.recogniser.ids
            or learned.learn_left < learned.learn_total
        ):
            raise CommandError(
                "with another %s what was learned is of no use" % name,
                "`set yes %s %s` does it all the same; it waits until that is taken back"
                % (name, text),
            )

    # a board in safe mode may have several bad settings: each is taken back without a check
    unchecked = value is None and not learned
    value = changed.change(hum.root, name, value, None if unchecked else check)
    hum.journal.event("set", key=name, value=value)
    return {
        "key": name,
        "value": value,
        "now": hum.config.get(name),
        "note": "takes effect after a restart",
    }


# Each verb here: its function, and what it is for after its words.
VERBS = {
    "set": (set_, "[yes] KEY VALUE | default: change a setting, from the next start"),
}
