"""A stand-in for Douyin: its records and clocks, the methods we call, the messages it pushes."""
