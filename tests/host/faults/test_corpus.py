"""Run the corpus of `make fuzz`: seeds, and inputs that once found a defect.

Each ends well, or with a clear error.
"""

from pathlib import Path

import pytest
from fuzz import seeds
from fuzz.structured import TARGETS

CORPUS = Path(__file__).parents[2] / "corpus"
KEPT = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_kept_input(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


def test_every_target_has_its_seeds() -> None:
    kept = {f"{path.parent.name}/{path.name}": path.read_bytes() for path in KEPT}
    made = {f"{name}.seed": contents for name, contents in seeds.seeds().items()}
    assert {name: kept.get(name) for name in made} == made, "python tests/fuzz/seeds.py makes them"
    assert {name.partition("/")[0] for name in made} == set(TARGETS)


def test_sound_seeds_come_through() -> None:
    """The targets do reach what they are for: none of the sound inputs is refused."""
    for name, contents in seeds.seeds().items():
        target, _, kind = name.partition("/")
        if kind in ("extends", "refused", "odd", "bytes", "empty") or name == "image/head":
            continue
        TARGETS[target].__wrapped__(contents)  # type: ignore[attr-defined]
