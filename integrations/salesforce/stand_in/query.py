"""Answering a parsed query: names and types are checked, indexes pick the rows, the condition filters them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .access import View
from .errors import ApiError
from .ids import id18
from .operators import OPERATORS, fold
from .pickers import PICKERS, joined_comparisons
from .schema import OBJECTS, Field
from .soql import And, Comparison, Condition, Name, Not, Order, Query, Value, explain, parse
from .special_objects import SPECIAL
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

# the fields of whatever a polymorphic reference such as Who or Owner points to
NAME_FIELDS = ("Id", "Name", "FirstName", "LastName", "Email", "Phone", "Title", "Username", "IsActive")
KINDS = {"date": "date", "datetime": "datetime", "boolean": "boolean", "int": "number", "double": "number"}
KINDS |= {"currency": "number", "percent": "number"}
SPOKEN = {"datetime": "dateTime", "number": "number", "boolean": "boolean", "date": "date"}


@dataclass(slots=True)
class Column:
    """A resolved name: the references to follow from a row, and the field at the end ("Type" has none)."""

    path: tuple[str, ...]
    field: Field
    steps: tuple[str, ...]  # the same path as it stands in the answer: ("Opportunity", "Name")


@dataclass(slots=True)
class Result:
    """The rows of a query, rendered when a page of them is sent."""

    rows: list[Record]
    columns: list[Column]
    is_count: bool
    total: int


class Search:
    """One query of one user."""

    def __init__(self, org: Org, user_id: str, text: str, *, deleted: bool = False) -> None:
        self.org, self.user_id, self.deleted = org, user_id, deleted
        self.query: Query = parse(text)
        self.view = self.find_view()

    def find_view(self) -> View:
        """Return the object as the user sees it; raises INVALID_TYPE."""
        name = self.query.object
        view = self.org.view(self.user_id, str(name)) if len(name.path) == 1 else None
        if view is None:
            error = ApiError("INVALID_TYPE", name)
            raise ApiError("INVALID_TYPE", message=explain(self.query.text, name.position, error.message))
        return view

    def run(self) -> Result:
        """Return what the query finds; raises ApiError."""
        query = self.query
        columns = [self.resolve(name) for name in query.fields]
        keep = self.compile(query.where) if query.where else None
        orders = [self.resolve_order(order) for order in query.order]
        rows = [row for row in self.candidates() if self.is_visible(row) and (keep is None or keep(row))]
        for order, column in reversed(orders):
            rows = self.sort(rows, column, order)
        rows = rows[query.offset :][: query.limit]
        return Result([] if query.is_count else rows, columns, query.is_count, len(rows))

    # -- names

    def resolve(self, name: Name) -> Column:
        """Find the field that a name means; raises INVALID_FIELD."""
        view, path, steps = self.view, [], []
        for part in name.path[:-1]:
            reference = view.object.by_relationship.get(part.lower()) if view else None
            if reference is None:
                raise self.unknown_relation(name, part)
            path.append(reference.name)
            steps.append(reference.relationship)
            view = self.org.view(self.user_id, reference.references[0]) if len(reference.references) == 1 else None
        field = view.object.find_field(name.path[-1]) if view else self.find_name_field(name, bool(path))
        if field is None:
            raise self.unknown_field(name, view)
        return Column((*path, field.name), field, (*steps, field.name))

    def find_name_field(self, name: Name, is_polymorphic: bool) -> Field | None:
        """Return a field that every person or thing has; None where there is none."""
        last = name.path[-1].lower()
        if last == "type":
            return Field("Type", "string", 40, "F")
        known = next((each for each in NAME_FIELDS if each.lower() == last), None)
        return (OBJECTS["User"].fields[known] if known else None) if is_polymorphic else None

    def unknown_field(self, name: Name, view: View | None) -> ApiError:
        """The refusal of a field that is not there, or hidden."""
        owner = view.name if view else "Name"
        message = (
            f"No such column '{name.path[-1]}' on entity '{owner}'. If you are attempting to use a custom field,"
            " be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe"
            " call for the appropriate names."
        )
        return ApiError("INVALID_FIELD", message=explain(self.query.text, name.position, message))

    def unknown_relation(self, name: Name, part: str) -> ApiError:
        """The refusal of a relationship that is not there."""
        message = (
            f"Didn't understand relationship '{part}' in field path. If you are attempting to use a custom"
            " relationship, be sure to append the '__r' after the custom relationship name. Please reference your"
            " WSDL or the describe call for the appropriate names."
        )
        return ApiError("INVALID_FIELD", message=explain(self.query.text, name.position, message))

    # -- rows

    def candidates(self) -> Iterable[Record]:
        """Return the rows that an index leaves over, or all."""
        special = SPECIAL.get(self.view.name)
        if special:
            return special(self)
        table = self.org.tables[self.view.name]
        for pick in PICKERS:
            for part in joined_comparisons(self.query):
                found = pick(table, self.resolve(part.field).field.name, part)
                if found is not None:
                    return found
        return table.rows.values()

    def is_visible(self, row: Record) -> bool:
        """Deleted, archived and hidden rows are left out."""
        if not self.deleted and (row.get("IsDeleted") or row.get("IsArchived")):
            return False
        org, row_id = self.org, row.get("Id")
        if self.view.name in org.blind_objects or row_id in org.hidden_rows:
            return False
        return row_id not in org.profiles[self.user_id].unseen

    def value(self, row: Record | None, column: Column) -> object:
        """Return a column's value in a row; None where a reference on the way is empty."""
        for step in column.path[:-1]:
            row = self.follow(row, step)
            if row is None:
                return None
        if column.field.name == "Type" and len(column.path) > 1 and "Type" not in row:
            return self.org.object_of(row["Id"])
        return row.get(column.path[-1], False if column.field.type == "boolean" else None)

    def follow(self, row: Record, reference: str) -> Record | None:
        """Return the referred record, or None."""
        target = row.get(reference)
        name = self.org.object_of(target) if target else None
        return self.org.tables[name].rows.get(target) if name else None

    def sort(self, rows: list[Record], column: Column, order: Order) -> list[Record]:
        """Order rows by one column; text regardless of case."""

        def key(row: Record) -> object:
            value = self.value(row, column)
            return value.lower() if isinstance(value, str) and not column.field.type.startswith("date") else value

        filled = [row for row in rows if self.value(row, column) is not None]
        empty = [row for row in rows if self.value(row, column) is None]
        filled.sort(key=key, reverse=order.descending)
        return filled + empty if order.nulls_last else empty + filled

    def resolve_order(self, order: Order) -> tuple[Order, Column]:
        """Check that a column can be sorted by."""
        column = self.resolve(order.field)
        if "S" not in column.field.flags and column.field.name != "Type":
            message = f"field '{order.field}' can not be sorted in a query call"
            raise ApiError("INVALID_FIELD", message=explain(self.query.text, order.field.position, message))
        return order, column

    # -- conditions

    def compile(self, condition: Condition) -> Callable[[Record], bool]:
        """Turn a condition into a test of a row; raises INVALID_FIELD for what cannot be asked."""
        if isinstance(condition, Comparison):
            return self.compile_comparison(condition)
        if isinstance(condition, Not):
            inner = self.compile(condition.part)
            return lambda row: not inner(row)
        tests = [self.compile(part) for part in condition.parts]
        join = all if isinstance(condition, And) else any
        return lambda row: join(test(row) for test in tests)

    def compile_comparison(self, comparison: Comparison) -> Callable[[Record], bool]:
        """Turn one comparison into a test of a row."""
        column = self.resolve(comparison.field)
        if "F" not in column.field.flags:
            message = f"field '{comparison.field}' can not be filtered in a query call"
            raise ApiError("INVALID_FIELD", message=explain(self.query.text, comparison.field.position, message))
        values = comparison.value if isinstance(comparison.value, tuple) else (comparison.value,)
        wanted = [self.operand(column, comparison, value) for value in values]
        test = OPERATORS[comparison.operator](wanted)
        is_text = column.field.type not in ("id", "reference", "boolean") and column.field.type not in KINDS
        if len(column.path) == 1:
            name, missing = column.path[0], False if column.field.type == "boolean" else None
            if not is_text:
                return lambda row: test(row.get(name, missing))
            return lambda row: test(fold(row.get(name)))
        return lambda row: test(fold(self.value(row, column)) if is_text else self.value(row, column))

    def operand(self, column: Column, comparison: Comparison, value: Value) -> object:
        """Check that a literal fits its field; text is folded, ids are made long."""
        field, kind = column.field, value.kind
        if kind == "null":
            return None
        if kind == "pattern":
            if field.type in KINDS or field.type in ("id", "reference"):
                raise self.bad_operator(comparison, "LIKE")
            return value.value
        if field.type in ("id", "reference") and kind == "string":
            full = id18(value.value)
            if full is None and value.value != "":
                message = explain(self.query.text, value.position, f"invalid ID field: {value.value}")
                raise ApiError("INVALID_QUERY_FILTER_OPERATOR", message=message)
            return full
        needed = KINDS.get(field.type, "string")
        if kind != needed:
            raise self.wrong_type(comparison, needed)
        return fold(value.value) if kind == "string" else value.value

    def bad_operator(self, comparison: Comparison, operator: str) -> ApiError:
        """The refusal of an operator that the field's type does not know."""
        message = f"invalid operator on {comparison.field} field: {operator}"
        return ApiError(
            "INVALID_QUERY_FILTER_OPERATOR", message=explain(self.query.text, comparison.field.position, message)
        )

    def wrong_type(self, comparison: Comparison, needed: str) -> ApiError:
        """The refusal of a literal of another type."""
        rule = "should be enclosed in quotes" if needed == "string" else "should not be enclosed in quotes"
        message = (
            f"value of filter criterion for field '{comparison.field}' must be of type"
            f" {SPOKEN.get(needed, needed)} and {rule}"
        )
        return ApiError("INVALID_FIELD", message=explain(self.query.text, comparison.field.position, message))
