"""Getting a model file: the hub, the wheel, the converter, and what keeps a file from being half there."""
