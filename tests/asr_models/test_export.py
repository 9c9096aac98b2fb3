"""A trained network as the file that Vosk loads."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tiny_model

from asr_models import catalogue
from asr_models.recogniser import load, transcribe
from asr_models.training import export
from asr_models.vocabulary import phones

WRITE = """
import sys
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from asr_models.training import export

class Tensor:  # as torch has it
    def __init__(self, values):
        self.values = values

    def detach(self):
        return self

    def numpy(self):
        return self.values

weights = np.load(sys.argv[1])

def layer(name):
    parts = {key.split("/")[1]: Tensor(weights[key]) for key in weights if key.split("/")[0] == name}
    return SimpleNamespace(eps=1e-5, affine="weight" in parts, **parts)

network = SimpleNamespace(
    **{name: layer(name) for name in ("normal", "first", "first_norm", "entry_waist", "entry", "entry_norm", "last")},
    **{name: [layer(f"{name}{number}") for number in range(2)] for name in ("waists", "widths", "norms")},
)
export.write(network, weights["log_priors"], Path(sys.argv[2]))
"""

WIDTH, WAIST, ENTRY = 24, 8, 12
Array = npt.NDArray[np.float64]
Weights = dict[str, npt.NDArray[np.float32]]


def _weights() -> Weights:
    """A small network's, at random."""
    random = np.random.default_rng(1)
    shapes = {
        "first": (WIDTH, 40, 5),
        "entry_waist": (ENTRY, WIDTH, 1),
        "entry": (WIDTH, ENTRY, 3),
        "last": (len(phones.pdfs()), WIDTH, 1),
        **{f"waists{number}": (WAIST, WIDTH, 2) for number in range(2)},
        **{f"widths{number}": (WIDTH, WAIST, 2) for number in range(2)},
    }
    weights = {f"{name}/weight": random.normal(0, 0.3, shape) for name, shape in shapes.items()}
    weights |= {f"{name}/bias": random.normal(0, 1, shapes[name][0]) for name in ("first", "entry", "last")}
    weights |= {f"widths{number}/bias": random.normal(0, 1, WIDTH) for number in range(2)}
    for name in ("first_norm", "entry_norm", "norms0", "norms1"):
        weights |= {f"{name}/{part}": random.normal(0, 1, WIDTH) for part in ("bias", "running_mean")}
        weights[f"{name}/weight"] = random.uniform(0.5, 1.5, WIDTH)
        weights[f"{name}/running_var"] = random.uniform(0.5, 2, WIDTH)
    weights |= {"normal/running_mean": random.normal(0, 5, 40), "normal/running_var": random.uniform(20, 90, 40)}
    weights["log_priors"] = np.log(random.dirichlet(np.ones(len(phones.pdfs()))))
    return {name: values.astype(np.float32) for name, values in weights.items()}


class Mdl:
    """Reads what Kaldi would."""

    def __init__(self, path: Path) -> None:
        self._data = io.BytesIO(path.read_bytes())
        assert self._data.read(2) == b"\0B"

    def expect(self, *tokens: str) -> None:
        for token in tokens:
            assert self._data.read(len(token) + 1) == f"{token} ".encode()

    def token(self) -> str:
        read = b""
        while not read.endswith(b" "):
            read += self._data.read(1)
        return read.decode().strip()

    def number(self, kind: str = "i") -> float:
        assert self._data.read(1) == (b"\x08" if kind == "d" else b"\4")
        return self._unpacked(kind)[0]

    def numbers(self) -> list[int]:
        return list(self._unpacked(f"{int(self.number())}i"))

    def vector(self) -> npt.NDArray[np.float32]:
        self.expect("FV")
        size = int(self.number())
        return np.frombuffer(self._data.read(4 * size), "<f4")

    def matrix(self) -> tuple[npt.NDArray[np.float32], float]:
        """And how far apart two values are that it can tell."""
        self.expect("CM2")
        low, span, rows, columns = self._unpacked("ffii")
        steps = np.frombuffer(self._data.read(2 * rows * columns), "<u2").reshape(rows, columns)
        return (low + span / 65535 * steps).astype(np.float32), span / 65535

    def lines(self) -> list[str]:
        found = []
        while line := self._data.readline().decode().rstrip("\n"):
            found.append(line)
        return found

    def rest(self) -> bytes:
        return self._data.read()

    def _unpacked(self, kinds: str) -> tuple[float, ...]:
        return struct.unpack(f"<{kinds}", self._data.read(struct.calcsize(f"<{kinds}")))


Read = tuple[list[tuple[int, int, int]], list[str], dict[str, dict[str, object]], npt.NDArray[np.float32]]


def _read(path: Path) -> Read:
    """Triples, the network's lines, its components with their values, and the priors."""
    mdl = Mdl(path)
    mdl.expect("<TransitionModel>", "<Topology>")
    units, entries = mdl.numbers(), mdl.numbers()
    assert units == list(range(1, len(phones.PLACED) + 1))
    states = []
    for _ in range(int(mdl.number())):
        states.append(int(mdl.number()) - 1)
        for state in range(states[-1]):
            assert [mdl.number(kind) for kind in "iiifif"] == [state, 2, state, 0.5, state + 1, 0.5]
        assert [mdl.number(), mdl.number()] == [-1, 0]
    assert [states[entry] for entry in entries[1:]] == [phones.states(phones.plain(unit)) for unit in phones.PLACED]
    mdl.expect("</Topology>", "<Triples>")
    triples = [(int(mdl.number()), int(mdl.number()), int(mdl.number())) for _ in range(int(mdl.number()))]
    mdl.expect("</Triples>", "<LogProbs>")
    assert np.exp(mdl.vector()[1:]) == pytest.approx([0.5] * 2 * len(triples))
    mdl.expect("</LogProbs>", "</TransitionModel>", "<Nnet3>")
    assert mdl.lines() == []
    lines = mdl.lines()
    mdl.expect("<NumComponents>")
    components = {}
    for _ in range(int(mdl.number())):
        mdl.expect("<ComponentName>")
        name = mdl.token()
        components[name] = _component(mdl)
    mdl.expect("</Nnet3>", "<LeftContext>")
    mdl.number()
    mdl.expect("<RightContext>")
    mdl.number()
    mdl.expect("<Priors>")
    priors = mdl.vector()
    assert mdl.rest() == b""
    return triples, lines, components, priors


def _component(mdl: Mdl) -> dict[str, object]:
    kind = mdl.token()
    values: dict[str, object] = {"kind": kind.strip("<>")}
    readers: dict[str, Callable[[], object]] = {
        "<TimeOffsets>": mdl.numbers,
        "<LinearParams>": mdl.matrix,
        "<UseNaturalGradient>": lambda: mdl._data.read(1),
        "<AlphaInOut>": lambda: (mdl.number("f"), mdl.number("f")),
        "<RankInOut>": lambda: (mdl.number(), mdl.number()),
        "<Dim>": mdl.number,
    }
    readers |= dict.fromkeys(
        ["<BiasParams>", "<Scales>", "<Bias>", "<ValueAvg>", "<DerivAvg>", "<OderivRms>"], mdl.vector
    )
    readers |= {
        token: lambda: mdl.number("d")
        for token in ("<Count>", "<OderivCount>", "<NumDimsSelfRepaired>", "<NumDimsProcessed>")
    }
    while (token := mdl.token()) != kind.replace("<", "</"):
        values[token] = readers.get(token, lambda: mdl.number("f"))()
    return values


@pytest.fixture(scope="module")
def weights() -> Weights:
    return _weights()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, weights: Weights) -> Path:
    folder = tmp_path_factory.mktemp("export")
    np.savez(folder / "weights.npz", **weights)
    tiny_model.program("-c", WRITE, folder / "weights.npz", folder / "am/final.mdl")
    return folder / "am/final.mdl"


def test_every_matrix_comes_back_within_one_step_with_its_frames_side_by_side(written: Path, weights: Weights) -> None:
    _, _, components, _ = _read(written)
    for name, layer, offsets in (
        ("entry.linear", "entry_waist", [0]),
        ("block1.linear", "waists0", [-3, 0]),
        ("output.affine", "last", [0]),
    ):
        weight = weights[f"{layer}/weight"]
        matrix, step = components[name]["<LinearParams>"]  # type: ignore[misc]
        assert components[name]["<TimeOffsets>"] == offsets
        assert step < 1e-4
        inputs = weight.shape[1]
        for place in range(len(offsets)):
            assert np.abs(matrix[:, place * inputs : (place + 1) * inputs] - weight[:, :, place]).max() <= step


def test_normalising_is_folded_into_the_layers_around_it(written: Path, weights: Weights) -> None:
    _, lines, components, _ = _read(written)
    frames = np.random.default_rng(2).normal(0, 8, (61, 40))
    heard = {"input": dict(enumerate(frames))}
    for line in lines[1:-2]:  # as Kaldi goes through it, to before the softmax
        name, source = line.split(" ", 3)[1].removeprefix("name="), line.split(" ", 3)[3].removeprefix("input=")
        heard[name] = _passed(
            components.get(name, {}), name, [heard[one] for one in re.findall(r"[a-z0-9.]+(?=[,)]|$)", source)]
        )

    x = frames.T - weights["normal/running_mean"][:, None]
    x = _conv(x / np.sqrt(weights["normal/running_var"] + 1e-5)[:, None], weights, "first")
    x = _conv(_normal(x, weights, "first_norm"), weights, "entry_waist")
    x = _normal(_conv(x, weights, "entry")[:, ::3], weights, "entry_norm")
    for number in range(2):
        y = _conv(_conv(x, weights, f"waists{number}"), weights, f"widths{number}")
        x = x[:, 1:-1] + _normal(y, weights, f"norms{number}")
    wanted = _conv(x, weights, "last")
    first = 2 + 1 + 3 * 2  # the frame of the first output
    got = np.stack([heard["output.affine"][first + 3 * number] for number in range(wanted.shape[1])], axis=1)
    assert got == pytest.approx(wanted, abs=0.02 * np.abs(wanted).max())


def _conv(x: Array, weights: Weights, name: str) -> Array:
    weight = weights[f"{name}/weight"]
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2], axis=1)
    bias = weights.get(f"{name}/bias", np.zeros(len(weight)))
    return np.einsum("oik,itk->ot", weight, windows) + bias[:, None]


def _normal(x: Array, weights: Weights, name: str) -> Array:
    mean, variance, weight, bias = (
        weights[f"{name}/{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return ((np.maximum(x, 0).T - mean) / np.sqrt(variance + 1e-5) * weight + bias).T


def _passed(component: dict[str, object], name: str, sources: list[dict[int, Array]]) -> dict[int, Array]:
    """What comes out of a component at every frame for which all that it looks at is there."""
    if name.endswith(".relu"):
        return {frame: np.maximum(x, 0) for frame, x in sources[0].items()}
    if len(sources) == 2:
        return {frame: sources[0][frame] + x for frame, x in sources[1].items() if frame in sources[0]}
    matrix, _ = component["<LinearParams>"]  # type: ignore[misc]
    offsets, bias = component["<TimeOffsets>"], component["<BiasParams>"]
    there = sources[0]
    return {
        frame: matrix @ np.concatenate([there[frame + offset] for offset in offsets]) + bias  # type: ignore[attr-defined]
        for frame in there
        if all(frame + offset in there for offset in offsets)  # type: ignore[attr-defined]
    }


def test_silence_is_said_to_be_rarer_than_it_is(written: Path, weights: Weights) -> None:
    _, _, _, priors = _read(written)
    assert priors[1:] == pytest.approx(np.exp(weights["log_priors"][1:]), rel=1e-5)
    assert priors[0] == pytest.approx(np.exp(weights["log_priors"][0]) * export.SILENCE_PRIOR, rel=1e-5)


def test_the_layers_follow_one_another_and_each_block_is_added_to_what_went_before(written: Path) -> None:
    triples, lines, components, _ = _read(written)
    assert lines[0] == "input-node name=input dim=40"
    assert lines[-1] == "output-node name=output input=output.log-softmax objective=linear"
    fed = {}
    for line in lines[1:-1]:
        kind, name, component, source = line.split(" ", 3)
        assert (kind, component.removeprefix("component=")) == ("component-node", name.removeprefix("name="))
        fed[name.removeprefix("name=")] = source.removeprefix("input=")
    assert set(fed) == set(components)
    assert fed["first.affine"] == "input"
    assert fed["block1.sum"] == "Sum(entry.relu, block1.relu)"
    assert fed["block2.sum"] == "Sum(block1.sum, block2.relu)"
    assert fed["output.affine"] == "block2.sum"
    assert fed["output.log-softmax"] == "output.affine"
    assert [triple[:2] for triple in triples] == [
        (number, state)
        for number, unit in enumerate(phones.PLACED, 1)
        for state in range(phones.states(phones.plain(unit)))
    ]
    for number, state, pdf in triples:
        assert phones.pdfs()[phones.plain(phones.PLACED[number - 1]), state] == pdf


def test_vosk_hears_with_it(written: Path, tmp_path: Path) -> None:
    words = {"路灯": ["lu4 deng1"], "坏了": ["huai4 le5"]}
    model = tiny_model.build(tmp_path / "model", words, tiny_model.equal(words), catalogue.EMBEDDED, acoustic=written)
    noise = (np.random.default_rng(1).normal(0, 3000, 16000)).astype("<i2").tobytes()
    for final in transcribe(load(model), noise + bytes(16000), 8000):
        assert {word.text for word in final.words} <= set(words)


def test_the_embedded_ears_are_of_the_same_kind() -> None:
    triples, lines, components, priors = _read(catalogue.EMBEDDED / "am/final.mdl")
    assert {pdf for _, _, pdf in triples} == set(range(len(phones.pdfs())))
    assert lines[0] == "input-node name=input dim=40"
    assert components["output.log-softmax"]["<Dim>"] == len(priors) == len(phones.pdfs())
