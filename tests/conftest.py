"""What every test may use."""

from pathlib import Path

pytest_plugins = ["tests.leak_net", "tests.figures"]
pytest_plugins += ["tests.stand_in_fixtures"] if (Path(__file__).parent / "stand_in_fixtures.py").exists() else []
pytest_plugins += ["tests.people", "tests.mailbox_fixtures", "tests.calendar_fixtures"]
