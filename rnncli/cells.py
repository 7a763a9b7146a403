"""The recurrent cells: their names, and the shapes of their weights, which both backends follow."""

CELLS = ("gru", "lstm", "rnn", "indrnn", "qrnn", "mingru")
"""Every cell; what each computes stands with `nn.cells`."""

ACTIVATIONS = ("tanh", "relu", "leaky")
"""What `rnn` and `indrnn` may apply to a new state."""

ACTIVATED_CELLS = ("rnn", "indrnn")
"""The cells whose activation can be chosen."""

LEAK = 0.01
"""Slope of the leaky activation below zero."""

MAX_LAYERS = 16
"""Most layers of an encoder; a file that claims millions is not taken at its word."""

MAX_HIDDEN_SIZE = 4096
"""Most units per direction, for the same reason."""

_NUM_GATES = {"gru": 3, "lstm": 4, "rnn": 1, "indrnn": 1, "qrnn": 3, "mingru": 2}


def layer_shapes(cell: str, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
    """List the weights of a bidirectional layer.

    Args:
        cell: one of CELLS.
        input_size: width of the layer's inputs (D).
        hidden_size: units per direction (H).

    Returns:
        Shapes by name. For a cell of n gates: `input_weight` [D, 2, nH] and `input_bias` [2, nH]; where the state
        passes through weights `weight` [2, H, nH], or [2, H] for one number a unit; a cell may add its own.

    Raises:
        ValueError: no such cell.
    """
    if cell not in CELLS:
        raise ValueError(f"no such cell: {cell}")
    width = _NUM_GATES[cell] * hidden_size
    shapes: dict[str, tuple[int, ...]] = {"input_weight": (input_size, 2, width), "input_bias": (2, width)}
    if cell in ("gru", "lstm", "rnn"):
        shapes["weight"] = (2, hidden_size, width)
    if cell == "gru":
        shapes["bias"] = (2, hidden_size)
    if cell == "indrnn":
        shapes["weight"] = (2, hidden_size)
    if cell == "qrnn":
        shapes["previous_weight"] = (input_size, 2, width)
    return shapes
