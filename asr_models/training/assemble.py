"""The parts put together: a trained network and a language become a folder that Vosk loads."""

from pathlib import Path
from random import Random

from asr_models.training import export, features, language, mandarin, readings, text
from asr_models.vocabulary import graph, lexicon
from asr_models.vocabulary.adapt import PAIRS

MODEL_CONF = """\
--min-active=200
--max-active=1000
--beam=10.5
--lattice-beam=6
--acoustic-scale=0.3
--frame-subsampling-factor=3
--frames-per-chunk=60
--endpoint.silence-phones=1
--endpoint.rule2.min-trailing-silence=0.5
--endpoint.rule3.min-trailing-silence=0.75
--endpoint.rule4.min-trailing-silence=1.0
"""


def assemble(network: Path, model: Path, size: language.Size, seed: int = 1) -> None:
    """Writes the model of `network` (see `train`) with the language of all shapes into the folder `model`."""
    write_ears(network, model)
    write_language(model, size, seed)


def write_ears(network: Path, model: Path) -> None:
    """am/ and conf/."""
    from asr_models.training import train  # needs torch

    trained, log_priors = train.load(network)
    export.write(trained, log_priors, model / "am/final.mdl")
    (model / "conf").mkdir(exist_ok=True)
    (model / "conf/mfcc.conf").write_text(features.CONF)
    (model / "conf/model.conf").write_text(MODEL_CONF)


def write_language(model: Path, size: language.Size, seed: int = 1) -> None:
    """graph/ and rescore/."""
    general, shapes, known = mandarin.read(), text.read(), text.words()
    cutter = language.Cutter(general, [*text.entries(), *known])
    said = language.sentences(cutter, shapes, size.each, Random(seed))
    grams = language.ngrams(said, general, size, {*known, *language.named(cutter, text.names())})
    sounds = readings.lexicon(grams.words(), known, general)
    grams = grams.only(sounds)
    graph.build(sounds, grams, PAIRS, model)
    lexicon.write(sounds, model / lexicon.FILE)


def main() -> None:
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", type=Path, help="what the training left, such as last.pt")
    parser.add_argument("model", type=Path, help="folder for the model")
    for name, value in vars(language.Size()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    options = vars(parser.parse_args())
    network, model = options.pop("network"), options.pop("model")
    assemble(network, model, language.Size(**options))


if __name__ == "__main__":
    main()
