"""Tests that archives give their files and nothing else, within limits."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from regraft.data.reading.archives import Limits, archive_stem, is_archive, unpack
from regraft.errors import DataError


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix != ".tar" else "w") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def _files(folder: Path) -> dict[str, bytes]:
    found = [each for each in folder.rglob("*") if each.is_file()]
    return {str(each.relative_to(folder)): each.read_bytes() for each in found}


def test_a_zip_gives_its_files_without_the_hidden_ones(tmp_path: Path) -> None:
    members = {"a/x.txt": b"1", "b/y.txt": b"2", "__MACOSX/a/x.txt": b"3", "a/.DS_Store": b"4"}
    assert _files(unpack(_zip(tmp_path / "d.zip", members))) == {"a/x.txt": b"1", "b/y.txt": b"2"}


@pytest.mark.parametrize("name", ["d.tar", "d.tar.gz", "d.tgz"])
def test_a_tar_gives_its_files(tmp_path: Path, name: str) -> None:
    path = _tar(tmp_path / name, (tarfile.TarInfo("a/x.txt"), b"1"))
    assert _files(unpack(path)) == {"a/x.txt": b"1"}


@pytest.mark.parametrize(
    "name", ["../out.txt", "a/../../out.txt", "/out.txt", "..\\out.txt", "C:/out.txt", "\\out"]
)
def test_names_that_lead_outside_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="stay inside"):
        unpack(_zip(tmp_path / "d.zip", {name: b"1"}))
    with pytest.raises(DataError, match="stay inside"):
        unpack(_tar(tmp_path / "d.tar", (tarfile.TarInfo(name), b"1")))


def test_links_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a/link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="a link or a device"):
        unpack(tmp_path / "d.zip")
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE):
        info = tarfile.TarInfo("a/link")
        info.type, info.linkname = kind, "/etc/passwd"
        with pytest.raises(DataError, match="a link or a device"):
            unpack(_tar(tmp_path / "d.tar", (info, b"")))


def test_an_archive_that_grows_too_much_is_refused(tmp_path: Path) -> None:
    limits = Limits(ratio=10, grace=1000)
    with pytest.raises(DataError, match="grows beyond"):
        unpack(_zip(tmp_path / "d.zip", {"a": b"0" * 100_000}), limits=limits)
    with pytest.raises(DataError, match="grows beyond"):
        unpack(_tar(tmp_path / "d.tgz", (tarfile.TarInfo("a"), b"0" * 100_000)), limits=limits)


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path / "d.zip", {"a": b"0" * 100_000})
    lie = path.read_bytes().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(lie)
    with pytest.raises(DataError):
        unpack(path, limits=Limits(ratio=10, grace=1000))


def test_a_tar_whose_long_name_never_ends_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.tar.gz"
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 4_000_000
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + b"a" * 4_000_000))
    with pytest.raises(DataError, match="grows beyond"):
        unpack(path, limits=Limits(members=10, ratio=10, grace=1000))


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path / "d.zip", {f"{n}.txt": b"1" for n in range(5)})
    with pytest.raises(DataError, match="more than 4 files"):
        unpack(path, limits=Limits(members=4))


def test_a_second_member_of_one_name_is_refused(tmp_path: Path) -> None:
    first, second = tarfile.TarInfo("a"), tarfile.TarInfo("./a")
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(_tar(tmp_path / "d.tar", (first, b"1"), (second, b"2")))


@pytest.mark.parametrize("name", ["d.zip", "d.tar", "d.tgz"])
def test_a_damaged_archive_is_an_error_of_the_user(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no archive at all" * 100)
    with pytest.raises(DataError):
        unpack(tmp_path / name)


def test_utf8_names_without_their_flag_are_read_right(tmp_path: Path) -> None:
    path = _zip(tmp_path / "d.zip", {"qqq/x.txt": b"1"})
    path.write_bytes(path.read_bytes().replace(b"qqq", "猫".encode()))
    assert _files(unpack(path)) == {"猫/x.txt": b"1"}


def test_archives_are_known_by_their_names() -> None:
    assert [is_archive(Path(name)) for name in ("a.zip", "a.TAR.GZ", "a.gz")] == [True, True, False]
    assert archive_stem(Path("x/pets.tar.gz")) == "pets"


def _zip_of_bytes(path: Path, *names: bytes) -> Path:
    """Returns an archive whose names are bytes without a flag that says what they are."""
    fillers = {f"{'q' * (len(name) - 1)}{place}": b"1" for place, name in enumerate(names)}
    raw = _zip(path, fillers).read_bytes()
    for filler, name in zip(fillers, names, strict=True):
        raw = raw.replace(filler.encode(), name)
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (["猫/一.txt", "小狗/照片.txt"], "gb18030"),
        (["piñón/a.txt", "Größe/b.txt", "Süßes/c.txt"], "cp437"),
        (["猫/a.txt", "été/b.txt"], "utf-8"),
    ],
)
def test_names_without_a_flag_are_what_all_of_them_can_be(
    tmp_path: Path, names: list[str], encoding: str
) -> None:
    path = _zip_of_bytes(tmp_path / "d.zip", *(name.encode(encoding) for name in names))
    assert set(_files(unpack(path))) == set(names)
