"""The seam to tools: functions with a signature that nodes and experts may call."""
