"""Which model is taken, and what is said of one that is not whole."""

from pathlib import Path

import pytest

from asr_models import catalogue
from asr_models.catalogue import EMBEDDED, ModelBroken


def lay_out(path: Path, *names: str) -> Path:
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("something")
    return path


NEW = ("am/final.mdl", "conf/model.conf", "conf/mfcc.conf", "graph/words.txt")
OLD = ("final.mdl", "mfcc.conf", "words.txt")
LOOKAHEAD = ("HCLr.fst", "Gr.fst", "disambig_tid.int")


def test_the_embedded_model_is_whole_and_taken_when_nothing_is_set_or_installed(tmp_path: Path) -> None:
    assert catalogue.find("", tmp_path) == EMBEDDED
    catalogue.check(EMBEDDED)
    assert catalogue.rate_hz(EMBEDDED) == 8000


def test_an_installed_model_is_found_by_name_by_path_or_as_the_current_one(tmp_path: Path) -> None:
    (tmp_path / "vosk-cn").mkdir()
    assert catalogue.find("vosk-cn", tmp_path) == tmp_path / "vosk-cn"
    assert catalogue.find(str(tmp_path / "vosk-cn"), tmp_path / "models") == tmp_path / "vosk-cn"
    (tmp_path / "current").symlink_to("vosk-cn")
    assert catalogue.find("", tmp_path) == tmp_path / "current"


def test_a_link_to_a_model_that_is_gone_is_an_error_and_not_another_model(tmp_path: Path) -> None:
    for target in ("gone", "current"):
        (tmp_path / "current").unlink(missing_ok=True)
        (tmp_path / "current").symlink_to(target)
        with pytest.raises(ModelBroken, match="is not there"):
            catalogue.check(catalogue.find("", tmp_path))


@pytest.mark.parametrize(
    "names",
    [
        (*NEW, "graph/HCLG.fst"),
        (*NEW, *(f"graph/{name}" for name in LOOKAHEAD)),
        (*OLD, "HCLG.fst"),
        (*OLD, *LOOKAHEAD),
    ],
)
def test_every_layout_that_vosk_loads_passes_and_fails_by_the_name_of_what_it_lacks(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    lay_out(tmp_path, *names)
    catalogue.check(tmp_path)
    for name in names[1:]:
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(ModelBroken) as broken:
            catalogue.check(tmp_path)
        assert broken.value.missing == (name,)
        assert broken.value.path == tmp_path
        (tmp_path / name).write_text("something")


IVECTORS = ("final.ie", "final.mat", "final.dubm", "global_cmvn.stats", "online_cmvn.conf", "splice.conf")


@pytest.mark.parametrize(
    "names",
    [
        tuple(f"ivector/{name}" for name in IVECTORS),
        ("rescore/G.carpa", "rescore/G.fst"),
        ("graph/phones/word_boundary.int", "graph/lexicon.txt.gz"),
    ],
)
def test_of_what_belongs_together_all_or_nothing_is_there(tmp_path: Path, names: tuple[str, ...]) -> None:
    lay_out(tmp_path, *NEW, "graph/HCLG.fst", *names)
    catalogue.check(tmp_path)
    for name in names[:5] if len(names) > 2 else names[:1]:
        (tmp_path / name).unlink()
        with pytest.raises(ModelBroken) as broken:
            catalogue.check(tmp_path)
        assert broken.value.missing == (name,)
        (tmp_path / name).write_text("something")
    for name in names:
        (tmp_path / name).unlink()
    catalogue.check(tmp_path)


def test_a_folder_that_holds_the_model_s_folder_says_which_one_is_meant(tmp_path: Path) -> None:
    lay_out(tmp_path / "vosk-cn", *NEW)
    with pytest.raises(ModelBroken, match="the folder must be the one that holds am/"):
        catalogue.check(tmp_path)


def test_the_rate_is_kaldi_s_own_where_none_is_named(tmp_path: Path) -> None:
    lay_out(tmp_path, *NEW)
    assert catalogue.rate_hz(tmp_path) == 16000
    (tmp_path / "conf/mfcc.conf").write_text("--sample-frequency=fast")
    with pytest.raises(ModelBroken, match=r"mfcc\.conf"):
        catalogue.rate_hz(tmp_path)


def test_the_fingerprint_changes_with_any_file(tmp_path: Path) -> None:
    before = catalogue.fingerprint(lay_out(tmp_path, *NEW))
    assert catalogue.fingerprint(tmp_path) == before
    (tmp_path / "graph/words.txt").write_text("something else")
    assert catalogue.fingerprint(tmp_path) != before
