"""Tests that the hub is asked last, briefly, and that silence is explained."""

import socket
from pathlib import Path

import huggingface_hub
import pytest
import torch

from regraft.backbones.sources import hub
from regraft.backbones.sources.hub import (
    Repository,
    checkpoint_file,
    fetch_small,
    hub_cache,
    repository,
    repository_folder,
)
from regraft.errors import BackboneError, DamagedFileError, UnreachableError
from tests.unit.backbones.sources.tiny import into_hub_cache, save_tokenizer

URL = "http://127.0.0.1:9/models/net-12345678.pth"


def quiet(line: str) -> None:
    """Takes a line of progress and drops it."""


def has_tokenizer(folder: Path) -> bool:
    return (folder / "tokenizer.json").is_file()


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches, an endpoint at which nobody listens, and no ban on the network."""
    for name in ("REGRAFT_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "hub"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test when a connection is tried."""
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: pytest.fail("network used"))
    monkeypatch.setattr(hub, "answers", lambda *a, **k: pytest.fail("network used"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [("a/b", Repository("a/b")), ("a/b@v1.0", Repository("a/b", "v1.0"))],
)
def test_a_revision_stands_after_the_name(words: str, expected: Repository) -> None:
    assert repository(words) == expected
    assert str(expected) == f"hf:{words}"


@pytest.mark.usefixtures("no_network")
def test_what_is_in_the_cache_needs_no_network(place: Path, tmp_path: Path) -> None:
    save_tokenizer(tmp_path / "saved")
    into_hub_cache(tmp_path / "saved", place, "owner/name")
    folder = repository_folder(Repository("owner/name"), has_tokenizer, weights=None, say=quiet)
    assert folder == place / "models--owner--name" / "snapshots" / "abc123"


def test_a_silent_hub_is_named_with_the_cache_and_what_it_has(place: Path, tmp_path: Path) -> None:
    save_tokenizer(tmp_path / "saved")
    into_hub_cache(tmp_path / "saved", place, "owner/other")
    with pytest.raises(UnreachableError) as caught:
        repository_folder(Repository("owner/name"), has_tokenizer, weights=None, say=quiet)
    message = str(caught.value)
    assert "hf:owner/name is not on this machine and 127.0.0.1 does not answer" in message
    assert f"expected the network, or a copy of it in {place}, which has hf:owner/other" in message


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("variable", ["REGRAFT_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_a_ban_on_the_network_is_kept(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(UnreachableError, match=f"{variable} forbids the network"):
        repository_folder(Repository("owner/name"), has_tokenizer, weights=None, say=quiet)


def test_an_incomplete_copy_is_completed_by_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half").mkdir()
    save_tokenizer(tmp_path / "whole")
    asked: list[object] = []

    def download(name: str, **settings: object) -> str:
        asked.append(settings["local_files_only"])
        return str(tmp_path / ("half" if settings["local_files_only"] else "whole"))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.setattr(hub, "answers", lambda *a, **k: True)
    said: list[str] = []
    folder = repository_folder(Repository("a/b"), has_tokenizer, weights=None, say=said.append)
    assert folder == tmp_path / "whole"
    assert asked == [True, False]
    assert said[0].startswith("fetching hf:a/b from http://127.0.0.1:9 into ")


SMALL = "1_Pooling/config.json"


@pytest.fixture
def commit(place: Path, tmp_path: Path) -> Path:
    """The local folder of a commit of `owner/name`, in the hub's cache."""
    save_tokenizer(tmp_path / "saved")
    into_hub_cache(tmp_path / "saved", place, "owner/name")
    return place / "models--owner--name" / "snapshots" / "abc123"


def test_a_small_file_that_others_left_out_is_fetched_for_that_commit(
    commit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def download(name: str, path: str, **settings: object) -> None:
        asked.append((name, path, settings["revision"]))

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(hub, "answers", lambda *a, **k: True)
    assert fetch_small(Repository("owner/name"), commit, path=SMALL) == ""
    assert asked == [("owner/name", SMALL, "abc123")]


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("known", ["there", "noted as missing"])
def test_a_small_file_of_which_the_cache_knows_is_not_asked_for(known: str, commit: Path) -> None:
    missing = commit.parents[1] / ".no_exist" / commit.name
    path = (commit if known == "there" else missing) / SMALL
    path.parent.mkdir(parents=True)
    path.touch()
    assert fetch_small(Repository("owner/name"), commit, path=SMALL) == ""


def test_a_small_file_that_the_hub_does_not_have_is_no_trouble(
    commit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(*_: object, **__: object) -> None:
        raise huggingface_hub.errors.EntryNotFoundError("404")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(hub, "answers", lambda *a, **k: True)
    assert fetch_small(Repository("owner/name"), commit, path=SMALL) == ""


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("banned", "HF_HUB_OFFLINE forbids the network"),
        ("silent", "127.0.0.1 does not answer"),
        ("broken", "cannot be found"),
    ],
)
def test_a_small_file_that_cannot_be_asked_for_is_told(
    why: str, reason: str, commit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why == "banned":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    if why == "broken":
        monkeypatch.setattr(hub, "answers", lambda *a, **k: True)
        local = huggingface_hub.errors.LocalEntryNotFoundError("cannot be found")
        monkeypatch.setattr(
            huggingface_hub, "hf_hub_download", lambda *_, **__: (_ for _ in ()).throw(local)
        )
    assert fetch_small(Repository("owner/name"), commit, path=SMALL) == reason


def test_a_repository_without_a_network_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **_: str(tmp_path))
    monkeypatch.setattr(hub, "answers", lambda *a, **k: True)
    with pytest.raises(BackboneError, match="hf:a/b has no network that can be read"):
        repository_folder(Repository("a/b"), has_tokenizer, weights=None, say=quiet)


def test_what_is_no_name_is_refused_without_a_network() -> None:
    with pytest.raises(BackboneError, match="no name on the hub"):
        repository_folder(Repository("a/b/c"), has_tokenizer, weights=None, say=quiet)


def test_only_wanted_weights_are_fetched() -> None:
    assert "pytorch_model.bin" not in hub._wanted(None)[0]
    assert hub._wanted("special.bin")[0][-1] == "special.bin"


def test_the_caches_place_follows_the_variables_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_CACHE")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    assert hub_cache() == tmp_path / "home" / "hub"
    monkeypatch.delenv("HF_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert hub_cache() == tmp_path / "xdg" / "huggingface" / "hub"


@pytest.mark.usefixtures("no_network")
def test_a_checkpoint_in_torchs_cache_needs_no_network(tmp_path: Path) -> None:
    path = tmp_path / "torch" / "hub" / "checkpoints" / "net-12345678.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    assert checkpoint_file(URL, say=quiet) == path


def test_a_checkpoint_whose_server_is_silent_is_explained(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"net-12345678\.pth is not on this machine"):
        checkpoint_file(URL, say=quiet)


def test_the_size_of_a_checkpoint_is_told_where_it_is_known() -> None:
    with pytest.raises(UnreachableError, match=r"net-12345678\.pth \(46\.8 MB\) is not on"):
        checkpoint_file(URL, size=46_830_571, say=quiet)


def test_a_checkpoint_with_another_digest_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "served.pth").write_bytes(b"other weights")
    monkeypatch.setattr(hub, "answers", lambda *a, **k: True)
    url = (tmp_path / "served.pth").as_uri()
    with pytest.raises(DamagedFileError, match="another digest"):
        checkpoint_file(url, digest="12345678", say=quiet)
    assert list(Path(torch.hub.get_dir()).rglob("*.pth*")) == []
