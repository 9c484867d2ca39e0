"""The commands that show and try the rules: rulebooks, scenarios, replays, new processes."""
