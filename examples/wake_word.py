"""Learn two words from three examples each, then recognise them: python wake_word.py"""

import nearhum_host as nh
import numpy as np

RATE_HZ = 8000
SETTINGS = {"kind": "audio", "rate_hz": RATE_HZ, "n_channels": 1, "n_window": 256, "n_hop": 128}
WORDS = {"yes": (500, 1700, 2600), "no": (1500, 400, 700), "maybe": (800, 2500, 500)}


def said(word: str, seed: int) -> np.ndarray:
    """Return a whistled word of half a second that moves over three frequencies, varied by seed."""
    random = np.random.default_rng(seed)
    n = round(0.5 * RATE_HZ * random.normal(1, 0.06))
    hz = np.interp(np.arange(n), (0, n / 2, n), WORDS[word]) * random.normal(1, 0.02)
    phase = 2 * np.pi * np.cumsum(hz) / RATE_HZ
    sound = 5000 * np.sin(phase) + 2000 * np.sin(2 * phase) * np.hanning(n)
    silence = np.zeros(round(0.6 * RATE_HZ))
    whole = np.concatenate([silence, sound * np.minimum(1, 8 * np.hanning(n)), silence])
    return (whole + random.normal(0, 30, len(whole)))[:, None].astype(np.int16)


def main() -> None:
    recording = nh.Recording(RATE_HZ, 1)
    for word in ("yes", "no"):
        recording.add(said(word, 1), f"enrol {word} 3")
        for take in (2, 3):
            recording.add(said(word, take))
    asked = ["no", "yes", "maybe", "yes", "no", "maybe"]
    for seed, word in enumerate(asked):
        recording.add(said(word, 50 + seed))
    run = nh.run(recording, SETTINGS)
    for word, windows in zip(asked, run.windows_of(recording)[6:], strict=True):
        heard = filter(None, run.labels[windows.start : windows.stop])
        print(f"{word}: {', '.join(heard) or 'unknown'}")


if __name__ == "__main__":
    main()
