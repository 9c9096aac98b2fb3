"""The sets that a model is measured on, as folders for `hotline models eval`: nothing in them was trained on.

Sentences of the hotline by synthetic voices kept apart, on a clean and on a noisy line; sentences written by hand;
of recorded words and sentences those kept apart.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random

import numpy as np
import soundfile

from asr_models.training import script, speech, synthetic, text
from asr_models.training.speech import RATE_HZ, Sound
from asr_models.training.telephone import Generator, Telephone, a_law

SENTENCES = 1000  # of the hotline: with two hundred, the figure moves by a point with the draw
_LEVEL = 10 ** (-26 / 20)
_AIR_SECONDS = 0.4


def make(folder: Path, *, written: Path, recordings: Path | None, all_sentences: bool = False, seed: int = 1) -> None:
    """All sets below `folder`; `written` are the sentences by hand, one a line. `all_sentences` of the recordings
    measure only a network that was trained on none of them: main.pt."""
    shapes, known, random = text.read(), text.words(), Random(seed)
    lines = [line for line in written.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    hotline: list[str] = []
    while len(hotline) < SENTENCES:
        sentence = shapes.sentence(random)
        if 4 <= len("".join(text.clauses(sentence))) <= 30:
            hotline.append(sentence)
    generator = np.random.default_rng(seed)
    for name, sentences in (("hotline", hotline), ("written", lines)):
        spoken = list(_spoken(sentences, known, random, folder / f"{name}.npz"))
        telephone = Telephone(generator, [sound for _, sound in spoken])
        _write(folder / f"{name}-clean", ((said, a_law(_levelled(sound))) for said, sound in spoken))
        _write(folder / f"{name}-noisy", ((said, noisy(sound, telephone, generator)) for said, sound in spoken))
    if recordings is None:
        return
    from asr_models.training import real  # needs torch

    held_out = [one for one in real.words(recordings / "words") if one.held_out]
    _write(folder / "words", ((one.text, a_law(_levelled(one.sound))) for one in held_out if len(one.text) > 1))
    _write(folder / "characters", ((one.text, a_law(_levelled(one.sound))) for one in held_out if len(one.text) == 1))
    for path in real.folders(recordings):
        said = (one for one in real.sentences(path) if all_sentences or one.held_out)
        _write(folder / path.name, ((one.text, a_law(_levelled(one.sound))) for one in said))


def noisy(sound: Sound, telephone: Telephone, generator: Generator) -> Sound:
    """On a line with a handset, perhaps a room, and noise, tones or voices 10 to 25 dB below."""
    return telephone.line(_levelled(sound), generator, clean=0.0, noise_db=(10, 25), worn=0.0)


def _spoken(
    sentences: Sequence[str], known: dict[str, list[str]], random: Random, path: Path
) -> Iterator[tuple[str, Sound]]:
    orders = []
    for number, sentence in enumerate(sentences):
        syllables = script.spoken(sentence, known, random)
        if syllables:
            voice = synthetic.UNHEARD[number % len(synthetic.UNHEARD)]
            plain = Random(number)
            rate, pitch, spread = plain.randint(150, 230), plain.randint(25, 75), plain.randint(30, 70)
            orders.append(synthetic.Order(sentence, syllables, syllables, voice, rate, pitch, spread))
    path.parent.mkdir(parents=True, exist_ok=True)
    synthetic.speak(orders, path)
    for utterance in speech.load([path]):
        yield utterance.text, utterance.sound
    path.unlink()


def _levelled(sound: Sound) -> Sound:
    """At the level of a telephone, with the air around it that a call has."""
    level = float(np.sqrt(np.mean(sound**2))) + 1e-9
    air = np.zeros(int(_AIR_SECONDS * RATE_HZ), np.float32)
    return np.concatenate([air, np.clip(sound * np.float32(_LEVEL / level), -1, 1), air])


def _write(folder: Path, sounds: Iterable[tuple[str, Sound]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("[0-9]*.wav"), *folder.glob("[0-9]*.txt")):
        old.unlink()
    for number, (said, sound) in enumerate(sounds):
        soundfile.write(folder / f"{number:04d}.wav", sound, RATE_HZ, subtype="PCM_16")
        (folder / f"{number:04d}.txt").write_text(f"{said}\n", encoding="utf-8")


def main() -> None:
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--written", type=Path, required=True, help="sentences by hand, one a line")
    parser.add_argument("--recordings", type=Path, help="the folder that was trained with")
    parser.add_argument("--all-sentences", action="store_true", help="also those that last.pt was trained on")
    make(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
