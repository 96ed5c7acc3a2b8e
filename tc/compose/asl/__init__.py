"""Amazon States Language, checked offline: see `tc.compose.asl.check`."""
