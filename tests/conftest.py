"""What every test may use."""

pytest_plugins = ["tests.stand_in_fixtures"]
