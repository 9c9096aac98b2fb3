"""The network: a time-delay network with narrow waists, 100 frames in and 33 units out a second.

It is trained in PyTorch and written as Kaldi writes one; each layer here is one that Kaldi has.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from asr_models.training import features
from asr_models.vocabulary import phones


@dataclass(frozen=True)
class Shape:
    """How wide the layers are, how narrow the waists, and how many blocks follow one another."""

    width: int = 448
    waist: int = 128
    entry: int = 160
    blocks: int = 8

    @property
    def context(self) -> int:
        """Frames of 10 ms that an output looks to either side."""
        return 2 + 1 + 3 * self.blocks


class Network(nn.Module):
    """(batch, 40, frames) to (batch, pdfs, outputs): no padding, so it sees `shape.context` frames on either side."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.normal = nn.BatchNorm1d(features.MELS, affine=False)
        self.first = nn.Conv1d(features.MELS, shape.width, 5)
        self.first_norm = nn.BatchNorm1d(shape.width)
        self.entry_waist = nn.Conv1d(shape.width, shape.entry, 1, bias=False)
        self.entry = nn.Conv1d(shape.entry, shape.width, 3, stride=3)
        self.entry_norm = nn.BatchNorm1d(shape.width)
        self.waists = nn.ModuleList(nn.Conv1d(shape.width, shape.waist, 2, bias=False) for _ in range(shape.blocks))
        self.widths = nn.ModuleList(nn.Conv1d(shape.waist, shape.width, 2) for _ in range(shape.blocks))
        self.norms = nn.ModuleList(nn.BatchNorm1d(shape.width) for _ in range(shape.blocks))
        self.last = nn.Conv1d(shape.width, len(phones.pdfs()), 1)

    def forward(self, frames: Tensor) -> Tensor:
        x = self.first_norm(torch.relu(self.first(self.normal(frames))))
        x = self.entry_norm(torch.relu(self.entry(self.entry_waist(x))))
        for waist, width, norm in zip(self.waists, self.widths, self.norms, strict=True):
            x = x[:, :, 1:-1] + norm(torch.relu(width(waist(x))))
        y: Tensor = self.last(x)
        return y
