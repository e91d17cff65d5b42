import copy
import io
import pickle
import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from regraft.errors import DataError, StorageError
from regraft.serving import kept as kept_module
from regraft.serving.kept import KeptModel
from regraft.serving.store import MODEL, save_model
from tests import tiny

TEXTS = tiny.toy_texts(8)[0]


class Watched(pickle.Unpickler):
    """Notes what a pickle asks for by name."""

    asked: ClassVar[set[str]] = set()

    def find_class(self, module: str, name: str, /) -> object:
        self.asked.add(f"{module}.{name}")
        return super().find_class(module, name)


def made(bert: Path) -> KeptModel:
    found = KeptModel()
    save_model(found.folder() / MODEL, tiny.model(bert), head="linear", examples=TEXTS)
    return found


@pytest.fixture
def kept(bert: Path) -> KeptModel:
    return made(bert)


def test_a_pickle_answers_as_the_original_does(bert: Path) -> None:
    kept = made(bert)
    expected = kept.model("cpu").predict_proba(TEXTS)
    pickled = pickle.dumps(kept)
    folder = kept.folder()
    del kept
    assert not folder.exists()
    again = pickle.loads(pickled)
    np.testing.assert_array_equal(again.model("cpu").predict_proba(TEXTS), expected)


def test_a_pickle_holds_bytes_and_asks_for_no_code_but_its_own_class(kept: KeptModel) -> None:
    kept.model("cpu")
    files = Watched(io.BytesIO(pickle.dumps(kept))).load()._files
    assert Watched.asked == {"regraft.serving.kept.KeptModel"}
    assert {path.name: path.read_bytes() for path in (kept.folder() / MODEL).iterdir()} == files


def test_a_copy_that_was_never_asked_can_be_pickled_again(kept: KeptModel) -> None:
    again = copy.deepcopy(pickle.loads(pickle.dumps(kept)))
    assert again.model("cpu").predict(TEXTS) == kept.model("cpu").predict(TEXTS)
    assert again.folder() != kept.folder()


@pytest.mark.parametrize("part", ["", MODEL])
def test_a_model_whose_folder_was_emptied_makes_no_pickle(kept: KeptModel, part: str) -> None:
    kept.model("cpu")
    shutil.rmtree(kept.folder() / part)
    with pytest.raises(StorageError, match=r"model is gone, .*; try fit again"):
        pickle.dumps(kept)


def test_the_model_is_loaded_once(kept: KeptModel) -> None:
    assert kept.model("cpu") is kept.model("cpu")


def test_the_folder_stays_while_it_is_used_and_goes_afterwards() -> None:
    kept = KeptModel()
    folder = kept.folder()
    assert folder.is_dir()
    del kept
    assert not folder.exists()


def test_a_fork_does_not_remove_the_folder(tmp_path: Path) -> None:
    kept_module._remove(tmp_path, -1)
    assert tmp_path.exists()


def test_a_name_in_a_pickle_cannot_lead_out_of_the_folder() -> None:
    kept = KeptModel()
    kept.__setstate__({"files": {"../../escaped": b"x"}})
    with pytest.raises(DataError):
        kept.model("cpu")
    assert (kept.folder() / MODEL / "escaped").exists()
    assert not (kept.folder().parent / "escaped").exists()
