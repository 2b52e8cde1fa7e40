"""Who may import what (docs/architecture.md), read from the source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.module_loading import import_string

ROOT = Path(__file__).resolve().parent.parent
APPS = ("workspaces", "integrations", "activity")
BELOW = {"workspaces": set(), "integrations": {"workspaces"}, "activity": {"workspaces", "integrations"}}
PROTOCOLS = ("integrations/salesforce", "integrations/mailbox", "integrations/calendar")
PURE = ("activity/pipeline/exclude.py", "activity/pipeline/compose.py", "activity/pipeline/outcome.py")
TASK_NAME = re.compile(r"(workspaces|integrations|activity)\.tasks\.\w+")
FORBIDDEN_NAMES = {"services.py", "selectors.py", "utils.py", "helpers.py", "misc.py", "common.py"}


def sources(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts)


def imports(path: Path) -> Iterator[str]:
    """Full dotted names that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            here = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join([*here, node.module] if node.module else here)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def place(path: Path) -> str:
    return str(path.relative_to(ROOT))


def breaches(folder: str, is_breach) -> list[str]:
    return [f"{place(path)}: {name}" for path in sources(folder) for name in imports(path) if is_breach(path, name)]


def top(name: str) -> str:
    return name.split(".")[0]


@pytest.mark.parametrize("app", APPS)
def test_apps_import_only_what_lies_below(app: str) -> None:
    above = set(APPS) - BELOW[app] - {app}

    assert sources(app)
    assert breaches(app, lambda _path, name: top(name) in above) == []


@pytest.mark.parametrize("app", APPS)
def test_nobody_imports_tasks(app: str) -> None:
    ours = tuple(f"{app}.tasks" for app in APPS)
    assert breaches(app, lambda _path, name: name.startswith(ours)) == []


@pytest.mark.parametrize("app", APPS)
def test_in_an_app_pages_are_above_the_domain(app: str) -> None:
    def is_breach(path: Path, name: str) -> bool:
        above = (f"{app}.views", f"{app}.management", f"{app}.urls", f"{app}.forms", f"{app}.admin")
        inside = path.relative_to(ROOT / app).parts[0].removesuffix(".py")
        if inside in {
            "views",
            "management",
            "urls",
            "forms",
            "admin",
            "account_adapter",
            "api",
            "middleware",
        }:
            return False
        return name.startswith(above)

    assert breaches(app, is_breach) == []


@pytest.mark.parametrize("app", APPS)
def test_models_import_no_logic(app: str) -> None:
    def is_breach(path: Path, name: str) -> bool:
        relative = path.relative_to(ROOT / app).as_posix()
        if not (relative == "models.py" or relative.startswith("models/")):
            return False
        return top(name) in APPS and ".models" not in name and not name.startswith("workspaces.ids")

    assert breaches(app, is_breach) == []


@pytest.mark.parametrize("package", PROTOCOLS)
def test_protocol_packages_know_no_django(package: str) -> None:
    """Of the apps they know each other only: one subprocess reads mail and the calendars in it."""
    protocols = tuple(each.replace("/", ".") for each in PROTOCOLS)

    def is_breach(_path: Path, name: str) -> bool:
        return top(name) in {"django", "config", "environs"} or (top(name) in APPS and not name.startswith(protocols))

    assert breaches(package, is_breach) == []


def test_only_the_protocol_package_imports_simple_salesforce() -> None:
    outside = [
        f"{place(path)}: {name}"
        for app in APPS
        for path in sources(app)
        for name in imports(path)
        if top(name) == "simple_salesforce" and not place(path).startswith("integrations/salesforce/")
    ]

    assert outside == []


def test_the_stand_in_imports_nothing_of_ours_and_nobody_imports_it() -> None:
    stand_in = "integrations.salesforce.stand_in"

    assert (
        breaches(
            "integrations/salesforce/stand_in",
            lambda _path, name: top(name) in {*APPS, "config"} and not name.startswith(stand_in),
        )
        == []
    )
    users = [
        place(path)
        for app in APPS
        for path in sources(app)
        for name in imports(path)
        if name.startswith(stand_in) and not place(path).startswith("integrations/salesforce/stand_in/")
    ]
    assert sorted(set(users)) == ["integrations/management/commands/salesforce_stand_in.py"]


@pytest.mark.parametrize("module", PURE)
def test_decisions_are_pure(module: str) -> None:
    impure = ("django.db", "django.utils.timezone", "time", "random", "requests", "integrations.connections")
    names = list(imports(ROOT / module))

    assert names
    assert [name for name in names if name.startswith(impure)] == []


def test_modules_are_named_after_what_they_do() -> None:
    assert [place(path) for app in (*APPS, "config") for path in sources(app) if path.name in FORBIDDEN_NAMES] == []


def test_every_task_that_is_queued_by_name_exists() -> None:
    names = {
        node.value
        for app in (*APPS, "config")
        for path in sources(app)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and TASK_NAME.fullmatch(node.value)
    }

    assert names
    assert [name for name in sorted(names) if not callable(import_string(name))] == []
