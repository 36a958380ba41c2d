"""Setting: the verb `set`, and the checks before a setting is kept.

Enters: a pipeline or safe mode, and the words of a command. Leaves: a changed setting, stored for
the next start. Loaded for each `set`, and released afterwards.
"""

from nearhum.errors import CommandError
from nearhum.lifetime import let_go


def set_(hum, words):
    """set [yes] KEY VALUE | KEY default

    hum: a pipeline, with whose head, plan, state and labels the new settings are compared. In safe
    mode it is a Safe, which has none of them.
    """
    sure = words[:1] == ["yes"]
    try:
        if len(words) < 2 + sure:
            raise CommandError("set needs a name and a value", "`get` lists the settings")
        return _put(hum, words[sure], " ".join(words[sure + 1 :]), sure)
    finally:
        let_go(("console.setting", "console.checks", "storage.changed"))


def _put(hum, name, text, sure):
    # sure: True to change the setting even if what was learned becomes useless.
    from nearhum import config
    from nearhum.console import checks
    from nearhum.settings import SETTINGS
    from nearhum.storage import changed

    if name not in SETTINGS:
        raise CommandError(
            "no setting is called %r%s" % (name[:40], checks.near(name[:40], SETTINGS)),
            "`get` lists them",
        )
    # An empty text is typed as "", because a line is split into words.
    value = None if text == "default" else config.parse(name, "" if text == '""' else text)
    learned = getattr(hum, "detector", None)

    def check(settings):
        plan = checks.whole(settings)
        if not learned:
            return
        found = checks.prints(settings, plan, hum)
        if sure or found == hum.store.fingerprint:
            return
        # The last condition: the first windows of a learning period are not in a prototype yet.
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

    # A board in safe mode may have several bad settings, so each is restored without a check.
    unchecked = value is None and not learned
    value = changed.change(hum.root, name, value, None if unchecked else check)
    hum.journal.event("set", key=name, value=value)
    return {
        "key": name,
        "value": value,
        "now": hum.config.get(name),
        "note": "takes effect after a restart",
    }


# The verbs of this module: function, and help text, which begins with the words that may follow.
VERBS = {
    "set": (set_, "[yes] KEY VALUE | default: change a setting, from the next start"),
}
