"""The compiler: from a graph and a catalogue of names to a checked, frozen plan, and its picture."""
