"""How requests and messages of each platform are signed: pure functions, one module a platform."""
