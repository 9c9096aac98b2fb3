"""A model's way from its publisher, or from a stick, to among the installed ones; and all that comes between."""

from __future__ import annotations

import hashlib
import io
import shutil
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from model_publisher import NAME, Publisher, archive

from asr_models import catalogue, downloading, installing, shelf, unpacking
from asr_models.catalogue import EMBEDDED, ModelBroken
from asr_models.downloading import WORTH_BYTES, DownloadFailed, Part
from asr_models.installing import CannotInstall
from asr_models.publisher import ListUnreadable, NotOffered, Published, pick, read_list
from asr_models.shelf import Kept, NotOnTheShelf
from asr_models.trial import TrialFailed


class Watching:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int, int]] = []
        self.said: list[str] = []
        self.has_said = threading.Event()

    def progress(self, doing: str, done: int, total: int) -> None:
        self.steps.append((doing, done, total))

    def say(self, line: str) -> None:
        self.said.append(line)
        self.has_said.set()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses before another try are written down and not made. No proxy of this machine comes between."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    pauses: list[float] = []
    fetch = downloading.fetch
    monkeypatch.setattr(downloading, "fetch", lambda *args: fetch(*args, pause=pauses.append))
    return pauses


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher().serving() as serving:
        serving.offers(NAME, archive())
        yield serving


@pytest.fixture
def models(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def tell() -> Watching:
    return Watching()


Install = Callable[[], bool]


@pytest.fixture
def install(publisher: Publisher, models: Path, tell: Watching) -> Install:
    return lambda: installing.install(models, pick(read_list(publisher.list), NAME), tell)


def zipped(tmp_path: Path, name: str, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as packed:
        for member, content in members:
            packed.writestr(member, content)
    return tmp_path / name


def visible(models: Path) -> list[str]:
    return [path.name for path in shelf.installed(models)]


def left_over(models: Path) -> list[str]:
    return sorted(path.name for path in (models / ".incoming").iterdir() if path.suffix != ".lock")


# -- the list ------------------------------------------------------------------------------------------------


def test_the_list_is_read_as_the_publisher_writes_it(publisher: Publisher) -> None:
    (model,) = read_list(publisher.list)
    assert (model.name, model.size, model.obsolete, model.hears_chinese) == (NAME, len(archive()), False, True)
    assert model.md5 == hashlib.md5(archive()).hexdigest()


def test_entries_that_cannot_be_installed_are_passed_over_and_the_others_stay(publisher: Publisher) -> None:
    for wrong in ({"md5": "none"}, {"size": 0}, {"url": "file:///etc/passwd"}, {"name": "../x"}, {"url": 7}):
        publisher.offers("wrong", b"x")
        publisher.entries[-1] |= wrong
    publisher.entries += ["no entry", None, {}]  # type: ignore[list-item]
    assert [model.name for model in read_list(publisher.list)] == [NAME]


def test_a_mirror_may_give_addresses_relative_to_its_list(publisher: Publisher, install: Install) -> None:
    publisher.entries[0]["url"] = f"{NAME}.zip"
    assert install()


@pytest.mark.parametrize("content", [b"<html>log in first</html>", b"[]", b'{"a": 1}', b"[" * 200_000, b"\xff"])
def test_what_is_no_list_is_called_so(publisher: Publisher, content: bytes) -> None:
    publisher.files["/model-list.json"] = content
    with pytest.raises(ListUnreadable):
        read_list(publisher.list)


def test_a_list_that_cannot_be_reached_is_named_and_so_is_none() -> None:
    with pytest.raises(ListUnreadable, match=r"127\.0\.0\.1:9/list cannot be read"):
        read_list("http://127.0.0.1:9/list")
    with pytest.raises(ListUnreadable, match="no list"):
        read_list("")


def test_a_name_that_is_not_offered_gets_names_that_are(publisher: Publisher) -> None:
    publisher.offers("vosk-model-cn-0.22", b"x")
    publisher.offers("vosk-model-tts-cn", b"x", type="tts")
    offered = read_list(publisher.list)
    with pytest.raises(NotOffered, match=r"choose from vosk-model-small-cn-0\.22"):
        pick(offered, "vosk-model-small-cn-0.21")
    with pytest.raises(NotOffered, match=r"choose from vosk-model-small-cn-0\.22, vosk-model-cn-0\.22$"):
        pick(offered, "成都")


def test_the_proxy_of_the_environment_is_asked(
    publisher: Publisher, models: Path, tell: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", publisher.address)
    publisher.entries[0]["url"] = f"http://models.invalid/{NAME}.zip"
    assert installing.install(models, pick(read_list("http://models.invalid/model-list.json"), NAME), tell)
    assert publisher.proxied == ["http://models.invalid/model-list.json", f"http://models.invalid/{NAME}.zip"]


# -- from the publisher --------------------------------------------------------------------------------------


def test_a_model_is_downloaded_checked_unpacked_and_there(install: Install, models: Path, tell: Watching) -> None:
    assert install()
    assert visible(models) == [NAME]
    catalogue.check(models / NAME)
    for file in EMBEDDED.rglob("*"):
        if file.is_file():
            assert (models / NAME / file.relative_to(EMBEDDED)).read_bytes() == file.read_bytes()
    assert left_over(models) == []
    doing = list(dict.fromkeys(step[0] for step in tell.steps))
    assert doing == ["downloading", "checking", "unpacking"]
    assert all(step[1] == step[2] for step in [tell.steps[-1]])
    assert tell.said == []


def test_one_that_is_there_is_left_alone_and_a_broken_one_is_replaced(
    publisher: Publisher, install: Install, models: Path
) -> None:
    assert install()
    assert not install()
    assert len(publisher.asked) == 1
    (models / NAME / "graph/words.txt").unlink()
    assert install()
    catalogue.check(models / NAME)
    assert left_over(models) == []


def test_a_connection_that_is_cut_is_taken_up_where_it_ended(
    publisher: Publisher, install: Install, no_waiting: list[float], tell: Watching
) -> None:
    publisher.troubles.extend([("cut", 300_000), 503, ("cut", 200_000), 429])
    assert install()
    assert publisher.asked == ["", "bytes=300000-", "bytes=300000-", "bytes=500000-", "bytes=500000-"]
    assert no_waiting == [2, 4, 8, 16]
    assert "going on in 16 s" in tell.said[-1]


def test_tries_that_come_far_are_not_counted(publisher: Publisher, install: Install, no_waiting: list[float]) -> None:
    publisher.troubles.extend([("cut", WORTH_BYTES)] * 8)
    assert install()
    assert no_waiting == [2] * 8


def test_after_too_many_tries_what_came_is_kept_and_the_next_command_goes_on(
    publisher: Publisher, install: Install, models: Path
) -> None:
    publisher.troubles.extend([("cut", 1000)] * downloading.TRIES)
    with pytest.raises(DownloadFailed, match=r"5,000 of .* bytes are kept.*same command"):
        install()
    assert visible(models) == []
    assert install()
    assert publisher.asked[-1] == "bytes=5000-"


def test_a_server_that_knows_no_ranges_begins_anew_and_gets_there(publisher: Publisher, install: Install) -> None:
    publisher.knows_ranges = False
    publisher.troubles.extend([("cut", 500_000), ("cut", 100_000)])
    assert install()
    assert publisher.asked == ["", "bytes=500000-", "bytes=100000-"]


def test_a_server_that_tells_no_length_is_held_to_that_of_the_list(publisher: Publisher, install: Install) -> None:
    publisher.tells_length = False
    publisher.troubles.append(("cut", 100_000))
    assert install()


def test_a_file_that_changed_on_the_server_is_not_mixed_with_what_came_before(
    publisher: Publisher, install: Install, models: Path
) -> None:
    true = publisher.files[f"/{NAME}.zip"]
    publisher.files[f"/{NAME}.zip"] = bytes(len(true))
    publisher.troubles.extend([("cut", 100_000), 404])
    with pytest.raises(DownloadFailed, match="404"):
        install()
    publisher.files[f"/{NAME}.zip"] = true
    assert install()
    assert publisher.asked[-1] == "bytes=100000-"  # and had the whole file for an answer
    catalogue.check(models / NAME)


def test_pieces_of_two_files_are_found_out_by_their_sum_and_loaded_anew(
    publisher: Publisher, install: Install, models: Path, tell: Watching
) -> None:
    wanted = pick(read_list(publisher.list), NAME)
    (models / ".incoming").mkdir()
    part = Part(models / ".incoming", wanted)
    part.begin("")  # a server that has no names for versions
    part.path.write_bytes(bytes(100_000))
    assert install()
    assert publisher.asked == ["bytes=100000-", ""]
    assert "begun anew" in tell.said[0]


@pytest.mark.parametrize("change", ["md5", "url"])
def test_a_part_of_what_the_list_no_longer_means_is_not_gone_on_with(
    publisher: Publisher, install: Install, change: str
) -> None:
    publisher.troubles.extend([("cut", 1000), 403])
    with pytest.raises(DownloadFailed):
        install()
    new = archive("another" if change == "md5" else NAME)
    publisher.files[f"/{NAME}.zip"] = publisher.files["/new.zip"] = new
    publisher.entries[0] |= {"md5": hashlib.md5(new).hexdigest(), "size": len(new)}
    if change == "url":
        publisher.entries[0]["url"] = f"{publisher.address}/new.zip"
    assert install()
    assert publisher.asked[-1] == ""


def test_a_wrong_sum_installs_nothing_and_keeps_nothing(publisher: Publisher, install: Install, models: Path) -> None:
    publisher.entries[0]["md5"] = "0" * 32
    with pytest.raises(DownloadFailed, match=r"MD5.*nothing was installed"):
        install()
    assert len(publisher.asked) == 1
    assert visible(models) == left_over(models) == []


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_file_longer_than_the_list_says_is_not_loaded(
    publisher: Publisher, install: Install, models: Path, tells_length: bool
) -> None:
    publisher.tells_length = tells_length
    publisher.files[f"/{NAME}.zip"] += b"more"
    with pytest.raises(DownloadFailed, match="longer or shorter"):
        install()
    assert visible(models) == []


def test_what_is_not_there_is_not_asked_for_again(publisher: Publisher, install: Install) -> None:
    del publisher.files[f"/{NAME}.zip"]
    with pytest.raises(DownloadFailed, match=r"404.*install it by its path"):
        install()


def test_a_server_that_says_nothing_is_given_up(
    publisher: Publisher, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "SILENCE_SECONDS", 0.2)
    publisher.troubles.extend([("stall", 1000)] * downloading.TRIES)
    with pytest.raises(DownloadFailed, match="did not come"):
        install()


def test_a_full_disk_is_told_before_anything_is_loaded(
    publisher: Publisher, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = installing.KEPT_FREE_BYTES + 2 * len(archive()) - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(free * 2, free, free))
    with pytest.raises(CannotInstall, match="Make room"):
        install()
    assert publisher.asked == []


def test_two_installers_at_once_take_turns(publisher: Publisher, models: Path) -> None:
    wanted = pick(read_list(publisher.list), NAME)
    watching = [Watching(), Watching()]
    publisher.troubles.append(("stall", 1000))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(installing.install, models, wanted, watching[0])
        assert publisher.stalled.wait(60)
        second = pool.submit(installing.install, models, wanted, watching[1])
        assert watching[1].has_said.wait(60)
        publisher.go_on.set()
        assert (first.result(300), second.result(300)) == (True, False)
    assert "waiting" in watching[1].said[0]
    assert len(publisher.asked) == 2  # the stalled one and the rest of it
    catalogue.check(models / NAME)


# -- archives of which the worst is to be thought -------------------------------------------------------------


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def device(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFCHR | 0o666) << 16
    return info


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([("city/../../escaped", b"x")], "outside its folder"),
        ([("/tmp/escaped", b"x")], "outside its folder"),
        ([("city\\..\\..\\escaped", b"x")], "outside its folder"),
        ([(link("city/am"), b"/etc")], "link or a device"),
        ([(device("city/null"), b"")], "link or a device"),
        ([("city/a", b"x"), ("other/b", b"x")], "one folder"),
        ([("am/final.mdl", b"x"), ("conf/model.conf", b"x")], "one folder"),
        ([("final.mdl", b"x")], "one folder"),
        ([("city/a", b"x"), ("city/a/b", b"x")], "twice"),
        ([("city/a/b", b"x"), ("city/a", b"x")], "twice"),
        ([("city/am/final.mdl", b"x")], "lacks conf/model.conf"),
        ([], "lacks"),
    ],
)
def test_an_archive_that_reaches_out_is_refused_and_leaves_no_trace(
    tmp_path: Path, models: Path, tell: Watching, members: list[tuple[str | zipfile.ZipInfo, bytes]], why: str
) -> None:
    source = zipped(tmp_path, "city.zip", *members)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CannotInstall, match=why):
        installing.install_from(models, source, "", tell)
    assert visible(models) == left_over(models) == []
    assert sorted(set(tmp_path.rglob("*")) - set(before)) == [models / ".incoming", models / ".incoming/city.lock"]


@pytest.mark.parametrize(("limit", "value"), [("MOST_BYTES", 1 << 20), ("MOST_FILES", 3)])
def test_a_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, models: Path, tell: Watching, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(unpacking, limit, value)
    bomb = zipped(tmp_path, "city.zip", *[(f"city/{number}", bytes(1 << 19)) for number in range(4)])
    assert bomb.stat().st_size < 1 << 14
    with pytest.raises(CannotInstall, match="larger than any model"):
        installing.install_from(models, bomb, "", tell)
    assert tell.steps == []


def test_a_bomb_that_would_fill_the_disk_is_refused_too(
    tmp_path: Path, models: Path, tell: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = installing.KEPT_FREE_BYTES + 1000
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(free * 2, free, free))
    with pytest.raises(CannotInstall, match="Make room"):
        installing.install_from(models, zipped(tmp_path, "city.zip", ("city/a", bytes(1001))), "", tell)
    assert tell.steps == []


def test_a_damaged_or_encrypted_archive_is_refused(tmp_path: Path, models: Path, tell: Watching) -> None:
    source = tmp_path / "city.zip"
    packed = bytearray(archive("city"))
    (tmp_path / "city.tar.gz").write_bytes(b"another kind")
    with pytest.raises(CannotInstall, match=r"no zip archive: unpack it and give the folder"):
        installing.install_from(models, tmp_path / "city.tar.gz", "", tell)
    for content in (b"no archive", packed[: len(packed) // 2]):
        source.write_bytes(content)
        with pytest.raises(CannotInstall, match="no zip archive, or a damaged one"):
            installing.install_from(models, source, "", tell)
    packed[len(packed) // 2] ^= 0xFF
    source.write_bytes(packed)
    with pytest.raises(CannotInstall, match="damaged"):
        installing.install_from(models, source, "", tell)
    at = packed.rindex(b"PK\x01\x02")
    packed[at + 8] |= 1
    source.write_bytes(packed)
    with pytest.raises(CannotInstall, match="encrypted"):
        installing.install_from(models, source, "", tell)
    assert visible(models) == left_over(models) == []


def test_a_publisher_s_archive_without_a_model_is_refused_and_not_kept(
    publisher: Publisher, models: Path, tell: Watching, tmp_path: Path
) -> None:
    publisher.offers("voice", zipped(tmp_path, "v.zip", ("voice/am/final.mdl", b"x")).read_bytes())
    with pytest.raises(CannotInstall, match=r"voice\.zip holds no whole model: it lacks .*nothing was installed"):
        installing.install(models, pick(read_list(publisher.list), "voice"), tell)
    assert visible(models) == left_over(models) == []


# -- from a stick --------------------------------------------------------------------------------------------


def test_an_archive_is_installed_under_its_own_name_wherever_it_was_packed(
    tmp_path: Path, models: Path, tell: Watching
) -> None:
    packed = io.BytesIO(archive("whatever"))
    with zipfile.ZipFile(packed, "a") as also:
        also.writestr("__MACOSX/._whatever", b"")
    (tmp_path / "成都-2.zip").write_bytes(packed.getvalue())
    assert installing.install_from(models, tmp_path / "成都-2.zip", "", tell) == "成都-2"
    catalogue.check(models / "成都-2")


def test_an_archive_packed_on_windows_is_understood(tmp_path: Path, models: Path, tell: Watching) -> None:
    members: list[tuple[str | zipfile.ZipInfo, bytes]] = [("city\\am\\", b"")]
    for file in EMBEDDED.rglob("*"):
        if file.is_file():
            members.append((f"city\\{str(file.relative_to(EMBEDDED)).replace('/', chr(92))}", file.read_bytes()))
    installing.install_from(models, zipped(tmp_path, "city.zip", *members), "", tell)
    catalogue.check(models / "city")


def test_the_sum_of_a_carried_archive_is_checked_if_it_is_given(tmp_path: Path, models: Path, tell: Watching) -> None:
    (tmp_path / "city.zip").write_bytes(archive())
    with pytest.raises(CannotInstall, match="does not have the MD5"):
        installing.install_from(models, tmp_path / "city.zip", "0" * 32, tell)
    right = hashlib.md5(archive()).hexdigest().upper()
    assert installing.install_from(models, tmp_path / "city.zip", right, tell) == "city"


def test_a_folder_is_copied_and_one_that_is_no_model_is_named(tmp_path: Path, models: Path, tell: Watching) -> None:
    shutil.copytree(EMBEDDED, tmp_path / "stick/city")
    assert installing.install_from(models, tmp_path / "stick/city", "", tell) == "city"
    catalogue.check(models / "city")
    with pytest.raises(CannotInstall, match=r"lacks am/final\.mdl.*Nothing was installed"):
        installing.install_from(models, tmp_path / "stick", "", tell)
    (tmp_path / "stick/city/more").symlink_to("/etc")
    (tmp_path / "stick/city").rename(tmp_path / "stick/linked")
    with pytest.raises(CannotInstall, match="link or a device"):
        installing.install_from(models, tmp_path / "stick/linked", "", tell)
    assert visible(models) == ["city"]


def test_names_that_mean_something_else_and_names_that_are_taken_are_refused(
    tmp_path: Path, models: Path, tell: Watching
) -> None:
    for name in ("current", "embedded", ".hidden", "a b"):
        (tmp_path / f"{name}.zip").write_bytes(b"")
        with pytest.raises(CannotInstall, match="cannot be a model's name"):
            installing.install_from(models, tmp_path / f"{name}.zip", "", tell)
    wanted = Published(name="current", url="http://127.0.0.1:9/x", size=1, md5="0" * 32)
    with pytest.raises(CannotInstall, match="cannot be a model's name"):
        installing.install(models, wanted, tell)
    (tmp_path / "city.zip").write_bytes(archive())
    installing.install_from(models, tmp_path / "city.zip", "", tell)
    with pytest.raises(CannotInstall, match="installed already"):
        installing.install_from(models, tmp_path / "city.zip", "", tell)
    with pytest.raises(CannotInstall, match="no such file"):
        installing.install_from(models, tmp_path / "gone.zip", "", tell)


# -- the one in use ------------------------------------------------------------------------------------------


@pytest.fixture
def two(models: Path) -> Path:
    for name in ("one", "two"):
        shutil.copytree(EMBEDDED, models / name)
    return models


def test_a_model_is_tried_and_then_in_use_and_the_one_before_can_be_had_back(two: Path, tell: Watching) -> None:
    assert shelf.in_use(two) == "embedded"
    assert shelf.use(two, "one", tell)
    assert catalogue.find("", two).resolve() == two / "one"
    assert (two / "current").readlink() == Path("one")
    assert not shelf.use(two, "one", tell)
    assert shelf.use(two, "two", tell)
    assert shelf.use_the_one_before(two, tell) == "one"
    assert shelf.use_the_one_before(two, tell) == "two"
    assert shelf.use(two, "embedded", tell)
    assert catalogue.find("", two) == EMBEDDED
    assert shelf.use_the_one_before(two, tell) == shelf.in_use(two) == "two"


def test_without_one_before_there_is_nothing_to_go_back_to(two: Path, tell: Watching) -> None:
    with pytest.raises(Kept, match="no other model was in use"):
        shelf.use_the_one_before(two, tell)


def test_a_model_that_is_broken_or_kills_whoever_loads_it_is_not_used(two: Path, tell: Watching) -> None:
    shelf.use(two, "one", tell)
    conf = two / "two/conf/model.conf"
    good = conf.read_text()
    conf.write_text(good.replace("subsampling-factor=3", "subsampling-factor=0"))  # vosk aborts on it
    with pytest.raises(TrialFailed, match="two is spoilt: it ended the process that loaded it"):
        shelf.use(two, "two", tell)
    conf.write_text(good)
    for file, why in (
        ("graph/phones/word_boundary.int", "it ended the process that loaded it"),  # at the first word
        ("graph/words.txt", r"has a words\.txt that does not belong to its graph"),
        ("am/final.mdl", "cannot be loaded"),
    ):
        whole = (two / "two" / file).read_bytes()
        (two / "two" / file).write_bytes(whole[:200])
        with pytest.raises(TrialFailed, match=why):
            shelf.use(two, "two", tell)
        (two / "two" / file).write_bytes(whole)
    (two / "two/graph/words.txt").unlink()
    with pytest.raises(ModelBroken, match=r"lacks graph/words\.txt"):
        shelf.use(two, "two", tell)
    assert shelf.in_use(two) == "one"
    with pytest.raises(NotOnTheShelf, match="there is two"):
        shelf.use(two, "tow", tell)


def test_a_name_that_a_shell_has_completed_is_the_folder_s(two: Path, tell: Watching) -> None:
    assert shelf.use(two, "one/", tell)
    assert (two / "current").readlink() == Path("one")
    assert not shelf.use(two, "one", tell)
    shelf.remove(two, "two/", lambda _path: False, tell)
    assert visible(two) == ["one"]


def test_a_link_that_somebody_made_by_hand_is_understood_and_a_folder_is_not_touched(
    two: Path, tell: Watching, tmp_path: Path
) -> None:
    shutil.copytree(EMBEDDED, tmp_path / "elsewhere")
    (two / "current").symlink_to("../elsewhere")
    assert shelf.use(two, "one", tell)
    assert Path(shelf.use_the_one_before(two, tell)).resolve() == tmp_path / "elsewhere"
    assert catalogue.find("", two).resolve() == tmp_path / "elsewhere"
    (two / "current").unlink()
    shutil.copytree(EMBEDDED, two / "current")
    with pytest.raises(Kept, match="is a folder and no link"):
        shelf.use(two, "one", tell)


def test_only_what_is_not_in_use_is_removed(two: Path, tell: Watching) -> None:
    shelf.use(two, "one", tell)
    for name, why in (("one", "in use"), ("embedded", "stays")):
        with pytest.raises(Kept, match=why):
            shelf.remove(two, name, lambda _path: False, tell)
    with pytest.raises(Kept, match="in use"):
        shelf.remove(two, "two", lambda path: path.name == "two", tell)
    for name in ("three", "current", "..", ".incoming", "../models/two", "/etc"):
        with pytest.raises(NotOnTheShelf):
            shelf.remove(two, name, lambda _path: False, tell)
    shelf.remove(two, "two", lambda _path: False, tell)
    assert visible(two) == ["one"]


def test_of_a_linked_model_only_the_link_is_removed_and_of_a_begun_one_what_has_come(
    two: Path, tell: Watching, tmp_path: Path, publisher: Publisher, install: Install
) -> None:
    shutil.copytree(EMBEDDED, tmp_path / "elsewhere")
    (two / "linked").symlink_to(tmp_path / "elsewhere")
    shelf.remove(two, "linked", lambda _path: False, tell)
    catalogue.check(tmp_path / "elsewhere")
    publisher.troubles.extend([("cut", 1000), 404])
    with pytest.raises(DownloadFailed):
        install()
    shelf.remove(two, NAME, lambda _path: False, tell)
    assert left_over(two) == []


def test_what_somebody_who_was_killed_has_left_is_removed_by_its_name(two: Path, tell: Watching) -> None:
    for left in ("one.gone", "three.new", "three.old"):
        shutil.copytree(EMBEDDED, two / ".incoming" / left)
    shelf.remove(two, "one", lambda _path: False, tell)
    shelf.remove(two, "three", lambda _path: False, tell)
    assert left_over(two) == []
    with pytest.raises(NotOnTheShelf):
        shelf.remove(two, "three", lambda _path: False, tell)
