"""Draws the demo shop: parametric solids, a path tracer, a catalogue and phone pictures."""
