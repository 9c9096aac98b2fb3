"""The trained network as Kaldi's final.mdl, with matrices in two bytes a weight (Kaldi reads them as any other)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from asr_models.vocabulary import phones

if TYPE_CHECKING:
    from asr_models.training.network import Network

Matrix = npt.NDArray[np.float32]


def write(network: Network, log_priors: Matrix, path: Path) -> None:
    """The acoustic model as Vosk loads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines, components = _layers(network)
    body = b"".join(_token("<ComponentName>") + _token(name) + component for name, component in components)
    path.write_bytes(
        b"\0B"
        + _transition_model()
        + b"<Nnet3> \n"
        + "\n".join(
            [
                "input-node name=input dim=40",
                *lines,
                "output-node name=output input=output.log-softmax objective=linear",
            ]
        ).encode()
        + b"\n\n"
        + _token("<NumComponents>")
        + _int(len(components))
        + body
        + b"".join((_token("</Nnet3>"), _token("<LeftContext>"), _int(0), _token("<RightContext>"), _int(0)))
        + _token("<Priors>")
        + _vector(_priors(log_priors))
    )


SILENCE_PRIOR = 0.045
"""Of what the network says: the less often silence is expected to be said, the more it means when it is. Noise then
makes fewer words (tuned on voices that were not trained on)."""


def _priors(log_priors: Matrix) -> Matrix:
    priors = np.exp(log_priors)
    priors[phones.pdfs()[phones.SILENCE, 0]] *= SILENCE_PRIOR
    return priors


def _transition_model() -> bytes:
    count = len(phones.PLACED)
    states_of = [phones.states(phones.plain(unit)) for unit in phones.PLACED]
    classes = sorted(set(states_of))
    entry_of = [-1] + [classes.index(states) for states in states_of]
    entries = b""
    for states in classes:
        entries += _int(states + 1)
        for state in range(states):
            entries += _int(state) + _int(2) + _int(state) + _float(0.5) + _int(state + 1) + _float(0.5)
        entries += _int(-1) + _int(0)
    triples = b"".join(_int(value) for triple in phones.transitions() for value in triple)
    log_probabilities = np.full(2 * len(phones.transitions()) + 1, np.log(0.5), np.float32)
    log_probabilities[0] = 0
    return b"".join(
        (
            _token("<TransitionModel>"), _token("<Topology>"),
            _ints(range(1, count + 1)), _ints(entry_of), _int(len(classes)), entries,
            _token("</Topology>"), _token("<Triples>"), _int(len(phones.transitions())), triples, _token("</Triples>"),
            _token("<LogProbs>"), _vector(log_probabilities), _token("</LogProbs>"), _token("</TransitionModel>"),
        )
    )  # fmt: skip


def _layers(network: Network) -> tuple[list[str], list[tuple[str, bytes]]]:
    lines: list[str] = []
    components: list[tuple[str, bytes]] = []

    def add(name: str, component: bytes, source: str) -> str:
        lines.append(f"component-node name={name} component={name} input={source}")
        components.append((name, component))
        return name

    def layer(name: str, weight: Matrix, bias: Matrix, offsets: Sequence[int], normal: object, source: str) -> str:
        """Affine, ReLU and what multiplies after it, which a ReLU lets be multiplied before."""
        scale, _ = _folded(normal)
        if (scale <= 0).any():
            raise ValueError(f"{name}: its normalisation turns values round; train on, or with another seed")
        affine = _tdnn(weight * scale[:, None, None], bias * scale, offsets)
        return add(f"{name}.relu", _nonlinear("RectifiedLinear", len(bias)), add(f"{name}.affine", affine, source))

    # What a normalisation adds is the same at all times: whatever comes after it is given that beforehand.
    scale, shift = _folded(network.normal)
    weight = _numpy(network.first.weight)
    bias = _numpy(network.first.bias) + _through(weight, shift)
    x = layer("first", weight * scale[None, :, None], bias, (-2, -1, 0, 1, 2), network.first_norm, "input")
    waist, added = _numpy(network.entry_waist.weight), _folded(network.first_norm)[1]
    x = add("entry.linear", _tdnn(waist, _through(waist, added), (0,)), x)
    x = layer("entry", _numpy(network.entry.weight), _numpy(network.entry.bias), (-1, 0, 1), network.entry_norm, x)
    added = _folded(network.entry_norm)[1]
    blocks = zip(network.waists, network.widths, network.norms, strict=True)
    for number, (narrow, wide, normal) in enumerate(blocks, 1):
        name, waist = f"block{number}", _numpy(narrow.weight)
        y = add(f"{name}.linear", _tdnn(waist, _through(waist, added), (-3, 0)), x)
        y = layer(name, _numpy(wide.weight), _numpy(wide.bias), (0, 3), normal, y)
        x = add(f"{name}.sum", _no_op(len(added)), f"Sum({x}, {y})")
        added = added + _folded(normal)[1]
    weight = _numpy(network.last.weight)
    x = add("output.affine", _tdnn(weight, _numpy(network.last.bias) + _through(weight, added), (0,)), x)
    add("output.log-softmax", _nonlinear("LogSoftmax", len(weight)), x)
    return lines, components


def _through(weight: Matrix, constant: Matrix) -> Matrix:
    """What becomes of a constant input."""
    return np.asarray(np.einsum("oik,i->o", weight, constant), np.float32)


def _numpy(tensor: object) -> Matrix:
    return np.asarray(tensor.detach().numpy(), np.float32)  # type: ignore[attr-defined]


def _folded(layer: object) -> tuple[Matrix, Matrix]:
    """A batch normalisation as what it multiplies with and what it adds."""
    mean, variance = _numpy(layer.running_mean), _numpy(layer.running_var)  # type: ignore[attr-defined]
    scale = 1 / np.sqrt(variance + layer.eps)  # type: ignore[attr-defined]
    if layer.affine:  # type: ignore[attr-defined]
        scale = scale * _numpy(layer.weight)  # type: ignore[attr-defined]
        return scale, _numpy(layer.bias) - mean * scale  # type: ignore[attr-defined]
    return scale, -mean * scale


def _tdnn(weight: Matrix, bias: Matrix, offsets: Sequence[int]) -> bytes:
    """A Conv1d's weight (out, in, k) with the frames that its k columns look at."""
    flat = weight.transpose(0, 2, 1).reshape(len(weight), -1)
    return b"".join(
        (
            _token("<TdnnComponent>"), _token("<LearningRate>"), _float(0.001),
            _token("<TimeOffsets>"), _ints(offsets), _token("<LinearParams>"), _matrix(flat),
            _token("<BiasParams>"), _vector(bias),
            _token("<OrthonormalConstraint>"), _float(0.0), _token("<UseNaturalGradient>"), b"T",
            _token("<NumSamplesHistory>"), _float(2000.0), _token("<AlphaInOut>"), _float(4.0), _float(4.0),
            _token("<RankInOut>"), _int(20), _int(80), _token("</TdnnComponent>"),
        )
    )  # fmt: skip


def _nonlinear(kind: str, dim: int) -> bytes:
    empty = _vector(np.zeros(0, np.float32))
    return b"".join(
        (
            _token(f"<{kind}Component>"), _token("<Dim>"), _int(dim), _token("<ValueAvg>"), empty,
            _token("<DerivAvg>"), empty, _token("<Count>"), _double(0.0), _token("<OderivRms>"), empty,
            _token("<OderivCount>"), _double(0.0), _token("<NumDimsSelfRepaired>"), _double(0.0),
            _token("<NumDimsProcessed>"), _double(0.0), _token(f"</{kind}Component>"),
        )
    )  # fmt: skip


def _no_op(dim: int) -> bytes:
    parts = (_token("<NoOpComponent>"), _token("<Dim>"), _int(dim), _token("<BackpropScale>"), _float(1.0))
    return b"".join((*parts, _token("</NoOpComponent>")))


def _matrix(values: Matrix) -> bytes:
    """Two bytes a value between the least and the greatest (Kaldi's CM2)."""
    low, high = float(values.min()), float(values.max())
    steps = np.rint((values - low) * (65535 / max(high - low, 1e-9))).astype("<u2")
    return _token("CM2") + struct.pack("<ffii", low, high - low, *values.shape) + steps.tobytes()


def _vector(values: Matrix) -> bytes:
    return _token("FV") + _int(len(values)) + values.astype("<f4").tobytes()


def _ints(values: Sequence[int] | range) -> bytes:
    return _int(len(values)) + struct.pack(f"<{len(values)}i", *values)


def _token(text: str) -> bytes:
    return f"{text} ".encode()


def _int(value: int) -> bytes:
    return b"\4" + struct.pack("<i", value)


def _float(value: float) -> bytes:
    return b"\4" + struct.pack("<f", value)


def _double(value: float) -> bytes:
    return b"\x08" + struct.pack("<d", value)
