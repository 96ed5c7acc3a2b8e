"""Files to begin with: functions and topologies from templates, overlays from what is inferred."""
