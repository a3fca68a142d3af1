"""Run configurations: what v1 calls `RunConfiguration`, its sections, and `ScriptRunConfig`."""
