"""The language model as n-grams of words: probabilities, and the weight of going on without the first word.

Numbers are natural logarithms. `<s>` and `</s>` are the edges of a sentence.
"""

import math
from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from pathlib import Path

Gram = tuple[str, ...]

START, END = "<s>", "</s>"
NEVER = -99.0  # as ARPA writes what cannot be said


@dataclass
class Grams:
    """`logs` of every n-gram, `weights` of those that longer ones begin with."""

    logs: dict[Gram, float] = field(default_factory=dict)
    weights: dict[Gram, float] = field(default_factory=dict)

    def log(self, gram: Gram) -> float:
        """Of the last word after the others, by shorter n-grams where there is none so long."""
        found = self.logs.get(gram)
        if found is not None or len(gram) == 1:
            return found if found is not None else NEVER
        return self.weights.get(gram[:-1], 0.0) + self.log(gram[1:])

    def weigh(self) -> None:
        """Computes all weights anew, so that whatever n-grams there are, the chances of all words make one."""
        self.weights = {}
        alone = {gram: log for gram, log in self.logs.items() if len(gram) == 1 and gram != (START,)}
        too_much = math.log(sum(map(math.exp, alone.values())))
        self.logs.update((gram, log - too_much) for gram, log in alone.items())
        after: dict[Gram, list[str]] = defaultdict(list)
        for gram in self.logs:
            if len(gram) > 1:
                after[gram[:-1]].append(gram[-1])
        for before in sorted(after, key=len):
            seen = sum(math.exp(self.logs[*before, word]) for word in after[before])
            else_seen = sum(math.exp(self.log((*before[1:], word))) for word in after[before])
            self.weights[before] = math.log(max(1 - seen, 0.01) / max(1 - else_seen, 0.01))

    def strongest(self, pairs: int) -> "Grams":
        """All words, and the pairs that tell most beyond what their words tell; no longer n-grams."""
        worth = []
        for gram, log in self.logs.items():
            if len(gram) == 2:
                gain = log - self.weights.get(gram[:1], 0.0) - self.logs.get(gram[1:], NEVER)
                first = 0.0 if gram[0] == START else self.logs.get(gram[:1], NEVER)
                if gain > 0:
                    worth.append((-math.exp(min(first, -2.5) + log) * gain, gram))
        kept = Grams({gram: log for gram, log in self.logs.items() if len(gram) == 1})
        kept.logs |= {gram: self.logs[gram] for _, gram in sorted(worth)[:pairs]}
        kept.weigh()
        return kept

    def only(self, words: Container[str]) -> "Grams":
        """The same without any word that is not among `words`."""
        kept = {gram: log for gram, log in self.logs.items() if all(w in words or w in (START, END) for w in gram)}
        fewer = Grams(kept)
        fewer.weigh()
        return fewer

    def words(self) -> Iterable[str]:
        """Every word but the edges."""
        return (gram[0] for gram in self.logs if len(gram) == 1 and gram[0] not in (START, END))

    def write_arpa(self, path: Path) -> None:
        """As the text format that all tools for language models read."""
        orders = [[gram for gram in self.logs if len(gram) == order] for order in range(1, 4)]
        while not orders[-1]:
            orders.pop()
        with path.open("w", encoding="utf-8") as out:
            out.write("\\data\\\n")
            out.writelines(f"ngram {order}={len(grams)}\n" for order, grams in enumerate(orders, 1))
            for order, grams in enumerate(orders, 1):
                out.write(f"\n\\{order}-grams:\n")
                for gram in grams:
                    weight = f"\t{self.weights[gram] / math.log(10):.4f}" if gram in self.weights else ""
                    out.write(f"{max(self.logs[gram] / math.log(10), NEVER):.4f}\t{' '.join(gram)}{weight}\n")
            out.write("\n\\end\\\n")
