"""The training in its stages; each leaves a file, and whoever starts again with the same plan goes on after the last.

1. synthetic speakers say what the script gives them,
2. a first network learns from them alone and finds the units in the recordings of words and syllables,
3. the network learns from all of these; it is measured on the sentences of a speaker it never heard,
4. it learns from those sentences too. This one ships.

Without recordings the second stage is the last, and is called synthetic.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Sampler

from asr_models.training import mandarin, real, script, speech, synthetic
from asr_models.training.network import Network, Shape
from asr_models.training.speech import Utterance
from asr_models.training.takes import Source, Takes
from asr_models.training.telephone import Telephone
from asr_models.vocabulary import phones

BATCH = 32
KEEP_EVERY = 200  # batches between two looks at what was reached, kept so that a stopped training goes on


@dataclass(frozen=True)
class Plan:
    """How much of everything; `loaders` and `threads` change only how fast."""

    seed: int = 12345
    utterances: int = 40_000
    shard: int = 1000
    first_batches: int = 600
    main_batches: int = 3600
    last_batches: int = 1600
    loaders: int = 1
    threads: int = 1


_ONLY_HOW_FAST = ("loaders", "threads")


@dataclass(frozen=True)
class Stage:
    """A network after some batches: where it starts from, what it hears, how fast it learns."""

    name: str
    sources: Sequence[Source]
    batches: int
    rate: float
    begin: Path | None = None


class CannotTrain(Exception):
    """What was asked does not go together; the message says why."""


def run(work: Path, recordings: Path | None, plan: Plan, tell: Callable[[str], None] = print) -> Path:
    """The last network's file. `recordings` holds words/, syllables/ and any folders of sentences, or some of these;
    without it the network knows synthetic speakers only. Raises `CannotTrain`."""
    work.mkdir(parents=True, exist_ok=True)
    _settle(work, recordings, plan)
    torch.set_num_threads(plan.threads)
    spoken = _synthetic(work, plan, tell)
    made = Source(spoken, 1.0, pitch=(0.85, 1.18), formants=(0.92, 1.08))
    telephone = Telephone(np.random.default_rng(plan.seed), [one.sound for one in spoken[:200]])
    first = _learn(Stage("first", [made], plan.first_batches, 2e-3), telephone, work, plan, tell)
    if recordings is None:
        return _learn(Stage("synthetic", [made], plan.main_batches, 2e-3, first), telephone, work, plan, tell)

    words = _found(work / "words.npz", lambda: real.trained(real.words(recordings / "words")), first, tell)
    syllables = _found(work / "syllables.npz", lambda: list(real.syllables(recordings / "syllables")), first, tell)
    apart = {"pitch": (0.74, 1.28), "formants": (0.86, 1.16)}
    known = [
        Source(spoken, 0.5, pitch=(0.85, 1.18), formants=(0.92, 1.08)),
        Source(words, 0.35, tempo=(0.95, 1.9), gap=0.35, **apart),
        Source(syllables, 0.15, tempo=(1.0, 2.0), gap=0.25, **apart),
    ]
    main = _learn(Stage("main", _full(known), plan.main_batches, 2e-3, first), telephone, work, plan, tell)
    said = [
        utterance
        for path in real.folders(recordings)
        for utterance in _found(work / f"{path.name}.npz", partial(_sentences, path), main, tell)
    ]
    if not said:
        return main
    every = [
        Source(spoken, 0.42, pitch=(0.85, 1.18), formants=(0.92, 1.08)),
        Source(words, 0.2, tempo=(0.95, 1.9), gap=0.35, **apart),
        Source(words, 0.13, tempo=(0.95, 1.1), gap=1.5, pitch=(0.97, 1.03), formants=(0.97, 1.03)),
        Source(syllables, 0.08, tempo=(1.0, 2.0), gap=0.25, **apart),
        Source(said, 0.17, tempo=(0.9, 1.3), gap=0.6, pitch=(0.78, 1.25), formants=(0.86, 1.16)),
    ]
    return _learn(Stage("last", _full(every), plan.last_batches, 1e-3, main), telephone, work, plan, tell)


def _full(sources: Sequence[Source]) -> list[Source]:
    return [source for source in sources if source.utterances]


def _settle(work: Path, recordings: Path | None, plan: Plan) -> None:
    """What is in `work` was made by the plan in its plan.json; half of one and half of another is neither."""
    if recordings is not None and not any(recordings.glob("*/*.mp3")) and not any(recordings.glob("*/*.flac")):
        raise CannotTrain(f"there are no recordings in {recordings}: no words/*.mp3, syllables/*.mp3 or */*.flac")
    wanted: dict[str, object] = {name: value for name, value in vars(plan).items() if name not in _ONLY_HOW_FAST}
    wanted["recordings"] = None if recordings is None else str(recordings.resolve())
    path = work / "plan.json"
    if not path.exists():
        path.write_text(json.dumps(wanted, indent=1), encoding="utf-8")
        return
    kept = json.loads(path.read_text(encoding="utf-8"))
    if changed := [
        f"{name} {kept.get(name)}, not {value}" for name, value in wanted.items() if kept.get(name) != value
    ]:
        raise CannotTrain(f"{work} was begun with {', '.join(changed)}: go on with the same, or take another folder")


def load(path: Path) -> tuple[Network, np.ndarray]:
    """A network that a stage left, ready to hear, and its log priors."""
    kept = torch.load(path, map_location="cpu", weights_only=True)
    network = Network(Shape(**kept["shape"]))
    network.load_state_dict(kept["network"])
    network.eval()
    return network, kept["log_priors"].numpy()


def _synthetic(work: Path, plan: Plan, tell: Callable[[str], None]) -> list[Utterance]:
    paths = [work / f"synthetic-{number:03d}.npz" for number in range(-(-plan.utterances // plan.shard))]
    language = None
    for number, path in enumerate(paths):
        if not path.exists():
            language = language or mandarin.read()
            wanted = islice(script.orders(language, Random(f"{plan.seed}-{number}")), plan.shard)
            synthetic.speak(list(wanted), path)
            tell(f"synthetic speech {number + 1}/{len(paths)}")
    return speech.load(paths)


def _found(
    path: Path, read: Callable[[], list[real.Recording]], aligner: Path, tell: Callable[[str], None]
) -> list[Utterance]:
    """The recordings with their units, as the network of `aligner` finds them."""
    if not path.exists():
        network, log_priors = load(aligner)
        recordings = read()
        utterances = real.aligned(recordings, network, log_priors)
        speech.save(path, utterances)
        hours = sum(one.seconds for one in utterances) / 3600
        tell(f"{path.stem}: {len(utterances)} of {len(recordings)} recordings, {hours:.2f} h")
    return speech.load([path])


def _sentences(folder: Path) -> list[real.Recording]:
    return real.trained(real.sentences(folder))


class _Numbered(Dataset):
    def __init__(self, takes: Takes) -> None:
        self._takes = takes

    def __getitem__(self, number: int):  # type: ignore[no-untyped-def]
        return self._takes[number]


class _From(Sampler):
    def __init__(self, first: int, after: int) -> None:
        self._numbers = range(first, after)

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


def _learn(stage: Stage, telephone: Telephone, work: Path, plan: Plan, tell: Callable[[str], None]) -> Path:
    done = work / f"{stage.name}.pt"
    if done.exists():
        return done
    torch.manual_seed(plan.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = Network(Shape()).to(device)
    if stage.begin is not None:
        network.load_state_dict(torch.load(stage.begin, map_location="cpu", weights_only=True)["network"])
    optimiser = torch.optim.AdamW(network.parameters(), stage.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, stage.rate, total_steps=stage.batches, pct_start=0.08)
    part, start = work / f"{stage.name}.part", 0
    if part.exists():
        kept = torch.load(part, map_location="cpu", weights_only=True)
        network.load_state_dict(kept["network"])
        optimiser.load_state_dict(kept["optimiser"])
        schedule.load_state_dict(kept["schedule"])
        start = kept["batches"]
    seed = plan.seed + sum(stage.name.encode())
    takes = Takes(stage.sources, telephone, network.shape.context, seed)
    batches = DataLoader(
        _Numbered(takes), BATCH, sampler=_From(start * BATCH, stage.batches * BATCH), num_workers=plan.loaders
    )
    network.train()
    began, losses, hits = time.monotonic(), [], []
    for number, (inputs, wanted) in enumerate(batches, start + 1):
        inputs, wanted = inputs.to(device), wanted.to(device)
        with torch.autocast(device.type, torch.bfloat16):
            logits = network(inputs)
        loss = functional.cross_entropy(logits.float(), wanted)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        hits.append((logits.argmax(1) == wanted).float().mean().item())
        if number % 50 == 0:
            left = (time.monotonic() - began) / (number - start) * (stage.batches - number)
            tell(
                f"{stage.name} {number}/{stage.batches}: loss {np.mean(losses[-50:]):.3f}, "
                f"frames right {np.mean(hits[-50:]):.1%}, {left / 60:.0f} min left"
            )
        if number % KEEP_EVERY == 0 and number < stage.batches:
            state = {"optimiser": optimiser.state_dict(), "schedule": schedule.state_dict(), "batches": number}
            _keep(part, {"network": network.state_dict()} | state)
    log_priors = _log_priors(network, takes, device)
    _keep(done, {"network": network.state_dict(), "shape": vars(network.shape), "log_priors": log_priors})
    part.unlink(missing_ok=True)
    return done


def _keep(path: Path, state: dict[str, object]) -> None:
    fresh = path.with_name(f"{path.name}.new")
    torch.save(state, fresh)
    fresh.replace(path)


@torch.inference_mode()
def _log_priors(network: Network, takes: Takes, device: torch.device, count: int = 320) -> torch.Tensor:
    """How often the network says each pdf: the mean of what it says of takes beyond those it learnt from."""
    network.eval()
    total = torch.zeros(len(phones.pdfs()))
    for first in range(0, count, BATCH):
        inputs = torch.stack([torch.from_numpy(takes[10**9 + first + i][0]) for i in range(BATCH)])
        total += torch.softmax(network(inputs.to(device)), 1).mean(dim=(0, 2)).cpu()
    return torch.log(torch.clamp(total / total.sum(), min=1e-6))


def main() -> None:
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for all that is made; safe to go on from")
    parser.add_argument("--recordings", type=Path, help="folder with words/, syllables/ and folders of sentences")
    for name, value in vars(Plan()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value)
    options = vars(parser.parse_args())
    work, recordings = options.pop("work"), options.pop("recordings")
    os.nice(5)
    try:
        print(run(work, recordings, Plan(**options), lambda line: print(line, flush=True)))
    except (CannotTrain, mandarin.MandarinMissing, synthetic.SpeakersFailed) as why:
        sys.exit(str(why))


if __name__ == "__main__":
    main()
