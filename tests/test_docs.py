"""docs/architecture.md and the tree agree; links in the documents lead somewhere."""

import re

import pytest

from tests.processes import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text()
PRODUCT = ("workspaces", "integrations", "activity", "config")
EVERYWHERE = {"models", "views", "forms", "management", "commands", "migrations"}  # explained once for all apps
DOCUMENTS = sorted(path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")])


def test_every_module_that_is_named_exists():
    named = set(re.findall(r"`([a-z_/]+\.(?:py|txt))`", PAGE))
    there = [
        path.relative_to(ROOT).as_posix() for folder in (*PRODUCT, "tests") for path in (ROOT / folder).rglob("*.*")
    ]
    assert len(named) > 30
    assert {name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in there)} == set()


def test_every_package_is_explained():
    packages = {path.parent.relative_to(ROOT) for app in PRODUCT for path in (ROOT / app).rglob("__init__.py")}
    explained = set(re.findall(r"`([a-z_/]+)/`", PAGE))
    ours = {package.as_posix() for package in packages if package.name not in EVERYWHERE}
    assert {name for name in ours if not explained & {name, name.rpartition("/")[2]}} == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_to_a_file_leads_to_one(document):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", (ROOT / document).read_text())
    assert [link for link in links if not ((ROOT / document).parent / link).exists()] == []
