"""The types that the stages share; imports nothing of tc but `tc.errors`."""
