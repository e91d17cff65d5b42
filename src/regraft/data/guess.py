"""Decides which column holds what, by name and then by content, and says why."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

from regraft.data.looks import TableLooks, is_row, of_files, without_parts
from regraft.data.reading.tables import Table
from regraft.data.rows import Modality
from regraft.errors import DataError, nearest

Fits = Callable[[str], bool]
_HOLDS = {
    "text": "the texts",
    "image": "the images",
    "label": "the labels",
    "domain": "the domains",
    "split": "the parts",
    "group": "the groups",
}


@dataclass(frozen=True)
class Roles:
    """The column of each role as the user typed it, or None."""

    text: str | None = None
    image: str | None = None
    label: str | None = None
    domain: str | None = None
    split: str | None = None
    group: str | None = None


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_STRONG = {
    "text": _words(
        "text texts review reviews sentence content message body comment tweet document",
        "question utterance post review_text review_body",
        "文本 内容 评论 正文 句子 评价 文字",
    ),
    "image": _words("image images img picture photo image_path", "图片 图像 照片"),
    "label": _words(
        "label labels class classes target category sentiment y class_name", "标签 类别 分类"
    ),
    "domain": _words("domain domains", "领域"),
    "split": _words("split subset part", "划分"),
    "group": _words("group groups group_id", "分组"),
}
_WEAK = {
    "text": _words("title description summary headline subject sms", "标题 摘要"),
    "image": _words("file filename file_name path filepath file_path", "文件 路径"),
    "label": _words(
        "topic intent emotion rating stars score polarity language tag type label_text label_name",
        "情感 情绪 评分 主题",
    ),
}


def guess_roles(
    table: Table,
    asked: Roles,
    *,
    need_label: bool,
    modality: Modality | None = None,
    learnt: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Roles, tuple[str, ...]]:
    """Returns the column of each role, and one sentence on each that was guessed.

    What the user asked for comes first, then what the reader knows, then what a run was
    trained on, then names, then content.

    Args:
        table: N rows as they were read.
        asked: Columns that the user typed.
        need_label: Whether rows without labels are of no use; then labels are also guessed
            by content.
        modality: What the inputs must be, where that is known.
        learnt: Column by role that a run was trained on.

    Raises:
        DataError: If a column that was asked for does not exist, holds pictures
            where others are wanted, two columns fit one role equally well, or none fits a
            role that is needed.
    """
    checked = {role: _existing(table, role, name=name) for role, name in asdict(asked).items()}
    guess = _Guess(table, {role: name for role, name in checked.items() if name})
    guess.take(table.known, modality)
    guess.take(learnt, modality)
    guess.find_input(modality)
    if need_label:
        guess.refuse_odd_parts(checked["split"])
    guess.find_label(need_label)
    guess.find_rest(need_label)
    return Roles(**guess.found), tuple(guess.reasons)


def used_columns(roles: Roles) -> dict[str, str]:
    """Returns the column of each role that is filled.

    >>> used_columns(Roles(text="review", label="stars"))
    {'text': 'review', 'label': 'stars'}
    """
    return {role: name for role, name in asdict(roles).items() if name}


def refuse_odd_parts(
    table: Table, used: Mapping[str, str], *, learnt: Mapping[str, str], then: str
) -> None:
    """Refuses a column of parts that some odd cells keep from being taken for one.

    Args:
        table: N rows.
        used: Column by role, as it was found.
        learnt: Column by role that a run was trained on.
        then: What comes of the rows where the column has another name.

    Raises:
        DataError: If there is one, by its name or as that of the run.
    """
    if "split" in used:
        return
    looks, free = TableLooks(table), set(table.columns) - set(used.values())
    named = [n for n in table.columns if n == learnt.get("split") or _plain(n) in _STRONG["split"]]
    looks.refuse_odd_parts([n for n in named if n in free and looks.is_filled(n)], then=then)


def existing(table: Table, name: str) -> str | None:
    """Returns the real name of a column that the user asked for, or None where there is none."""
    if name in table.names:
        return name
    same = [each for each in table.names if each.casefold() == name.strip().casefold()]
    return same[0] if len(same) == 1 else None


def _existing(table: Table, role: str, *, name: str | None) -> str | None:
    """Returns the real name of a column that the user asked for."""
    found = None if name is None else existing(table, name)
    if role != "image" and found is not None and found in table.pixels:
        raise DataError(
            f"column '{found}' of {table.name} holds pictures, not {_HOLDS[role][4:]}",
            expected=f"a column of texts for --{role}",
            hint=_flag("image", found),
        )
    if name is None or found is not None:
        return found
    near = nearest(name, table.names)
    raise DataError(
        f"{table.name} has no column '{name}'",
        expected="one of " + ", ".join(table.names),
        hint=_flag(role, near) if near else "",
    )


class _Guess:
    """Finds the column of one role after another; a column has one role at most."""

    def __init__(self, table: Table, found: dict[str, str]) -> None:
        self.table = table
        self.columns = TableLooks(table)
        self.found = found
        self.reasons: list[str] = []

    def take(self, columns: Mapping[str, str], modality: Modality | None) -> None:
        """Takes columns that are known, for roles that have none yet."""
        skipped = {"text", "image"} - {modality} if modality else set()
        if "text" in self.found or "image" in self.found:
            skipped = {"text", "image"}
        for role, column in columns.items():
            fits = role != "split" or self.columns.is_split(column)
            fits = fits and (role == "image" or column not in self.table.pixels)
            if role not in skipped | self.found.keys() and column in self._free() and fits:
                self.found[role] = column

    def find_input(self, modality: Modality | None) -> None:
        """Finds the column of texts or the column of images, never both."""
        if "text" in self.found and "image" in self.found:
            raise DataError(
                "both a text column and an image column were asked for", expected="one of them"
            )
        if "text" in self.found or "image" in self.found:
            return
        images = self._images() if modality != "text" else []
        texts = self._texts() if modality != "image" else []
        if images and texts:
            raise self._tie({"image": images, "text": texts})
        if not self._settle("image", images) and not self._settle("text", texts):
            if modality != "text":
                self.columns.refuse_lost_pictures(self._free())
            raise self._none(modality or "text", f"a column of {modality or 'text or image'}s")

    def find_label(self, needed: bool) -> None:
        """Finds the labels by name; by content only where they are needed."""
        if "label" in self.found:
            return
        fitting = self._named("label", self.columns.is_filled)
        if not fitting and needed:
            fitting = self._fitting(self.columns.is_label)
        if not needed and len(fitting) > 1:
            return
        if not self._settle("label", fitting) and needed:
            raise self._none("label", "a column of classes")

    def refuse_odd_parts(self, asked: str | None) -> None:
        """Refuses a column that was typed, or that its name and most cells say, for no parts."""
        self.columns.check_parts(asked)
        if "split" not in self.found:
            names = self._named("split", self.columns.is_filled)
            self.columns.refuse_odd_parts(names, then="the rows are parted for you")

    def find_rest(self, needed: bool) -> None:
        """Finds domains, parts and groups by name alone; parts and groups decide what is learnt."""
        for role in ("domain", "split", "group"):
            fits = self.columns.is_split if role == "split" else self.columns.is_filled
            fitting = self._named(role, fits)
            passed = len(fitting) > 1 and (role == "domain" or not needed)
            self._settle(role, [] if passed else fitting)
        if "split" not in self.found:
            names = self._named("split", self.columns.is_filled)
            self.reasons += without_parts(self.table, names)

    def _images(self) -> list[str]:
        is_image = self.columns.is_image
        return self._named("image", is_image) or self._fitting(is_image)

    def _texts(self) -> list[str]:
        fitting = self._named("text", self.columns.is_text)
        free = self._free()
        if not fitting and len(free) == 1 and self.columns.is_text(free[0]):
            return free
        if fitting:
            return fitting
        fitting = self._fitting(self.columns.is_long_text)
        # Chinese names and addresses are as wide as a short text; beside a long one they are none.
        longest = [name for name in fitting if self.columns.is_long_text(name, twice=False)]
        return longest or fitting

    def _free(self) -> list[str]:
        return [name for name in self.table.names if name not in self.found.values()]

    def _fitting(self, fits: Fits) -> list[str]:
        return [name for name in self._free() if fits(name)]

    def _named(self, role: str, fits: Fits) -> list[str]:
        """Returns columns whose name says the role: the strong names, else the weak ones."""
        for names in (_STRONG[role], _WEAK.get(role, frozenset())):
            fitting = [name for name in self._fitting(fits) if _plain(name) in names]
            if fitting:
                return fitting
        return []

    def _settle(self, role: str, columns: list[str]) -> bool:
        """Takes the only column that fits; says whether there was one."""
        if role in self.found or not columns:
            return role in self.found
        if len(columns) > 1:
            raise self._tie({role: columns})
        named = _plain(columns[0]) in _STRONG[role] | _WEAK.get(role, frozenset())
        reason = "its name says so" if named else self.columns.reason(role, columns[0])
        self.found[role] = columns[0]
        self.reasons.append(f"column '{columns[0]}' holds {_HOLDS[role]}: {reason}")
        return True

    def _tie(self, fitting: dict[str, list[str]]) -> DataError:
        flags = [_flag(role, column) for role, names in fitting.items() for column in names]
        names = [column for columns in fitting.values() for column in columns]
        holds = " or ".join(_HOLDS[role] for role in fitting)
        return DataError(
            f"columns {_listed(names)} of {self.table.name} may all hold {holds}",
            expected="to be told which",
            hint=" or ".join(flags),
        )

    def _none(self, role: str, expected: str) -> DataError:
        if self.table.known.get("image") == "file" and role != "image":
            return of_files(self.table.name, role)
        if role == "image":
            return DataError(
                f"{self.table.name} holds no images: its columns are {_listed(self.table.names)}",
                expected="a folder of images, or a table with a column of their paths",
            )
        free, names = self._free(), _listed(self.table.names)
        header = " (is its first line a row, not names of columns?)" if is_row(free) else ""
        # Numbers of rows, of which no two are alike, are no classes.
        likely = [name for name in free if role != "label" or self.columns.repeats(name)]
        return DataError(
            f"no column of {self.table.name} looks like {_HOLDS[role]}; it has {names}{header}",
            expected=expected,
            hint=_flag(role, likely[0]) if likely else "adding such a column",
        )


def _flag(role: str, column: str) -> str:
    return f"--{role} {column}" if " " not in column else f"--{role} '{column}'"


def _plain(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name[:40]}'" for name in names)
