"""Makes columns of plain types from those of views, as polars has them."""

import pyarrow as pa


def without_views(frame: pa.Table) -> pa.Table:
    """Returns the same table, texts and bytes in plain types: Arrow picks no rows of views."""
    for place, name in enumerate(frame.column_names):
        column = frame.column(place)
        plain = _plain_column(column)
        if plain is not column:
            frame = frame.set_column(place, name, plain)
    return frame


def _plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind) and _plain(kind.value_type) != kind.value_type:
        chunks = [_plain_dictionary(chunk) for chunk in column.chunks]
        return pa.chunked_array(chunks, pa.dictionary(kind.index_type, _plain(kind.value_type)))
    plain = _plain(kind)
    return column if plain == kind else column.cast(plain)


def _plain_dictionary(array: pa.DictionaryArray) -> pa.DictionaryArray:
    """Returns categories by their plain names, which Arrow does not cast along with numbers."""
    names = array.dictionary.cast(_plain(array.dictionary.type))
    return pa.DictionaryArray.from_arrays(array.indices, names)


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_plain(kind.value_type), kind.list_size)
    if pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_large_list(kind):
        return pa.large_list(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _plain(field.type)) for field in kind])
    return kind
