"""ONNX Runtime sessions: threads set, provider chosen, every failure turned into an error that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as _state

from sewu.base.errors import BadModel, Unavailable

PROVIDERS: dict[str, str] = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
PREFERRED: tuple[str, ...] = ("cuda", "openvino", "cpu")
"""Taken in this order when present. TensorRT is not among them: it spends minutes building an engine, so it must be asked for."""

RUNTIME_ERRORS: tuple[type[Exception], ...] = (
    _state.EPFail,
    _state.EngineError,
    _state.Fail,
    _state.InvalidArgument,
    _state.InvalidGraph,
    _state.InvalidProtobuf,
    _state.NoModel,
    _state.NoSuchFile,
    _state.NotImplemented,
    _state.RuntimeException,
)
"""Everything ONNX Runtime raises for a bad file, a bad input or a failing device; they share no base class."""

ONLY_ERRORS = 3
"""ONNX Runtime's log level: its warnings about a file's initialisers are of no use to a user."""


def available() -> tuple[str, ...]:
    """The providers that this installation of ONNX Runtime was built with, by our names."""
    present = set(onnxruntime.get_available_providers())
    return tuple(name for name, provider in PROVIDERS.items() if provider in present)


def choose_providers(wanted: Sequence[str]) -> list[str]:
    """ONNX Runtime's provider names in order of preference, the processor always last.

    Args:
        wanted: our names in order of preference; empty: `PREFERRED`, whatever of it is present.

    Raises:
        Unavailable: a wanted provider is unknown or not in this installation.
    """
    present = available()
    for name in wanted:
        if name not in present:
            raise Unavailable(
                f"ONNX Runtime here cannot use {name!r}; it has {', '.join(present)}.",
                "Install the onnxruntime package built for it (onnxruntime-gpu, onnxruntime-openvino), or leave the provider out.",
            )
    names = list(wanted) or [name for name in PREFERRED if name in present]
    return [PROVIDERS[name] for name in names if name != "cpu"] + [PROVIDERS["cpu"]]


def open_session(path: Path, threads: int = 1, providers: Sequence[str] = ()) -> Any:
    """An `onnxruntime.InferenceSession` on the file.

    Args:
        threads: processor threads for one pass. One is right where many cameras share the machine: passes then
            run side by side, and no thread waits in a spin loop.

    Raises:
        BadModel: the file is missing or ONNX Runtime cannot load it.
        Unavailable: a provider is not there.
    """
    chosen = choose_providers(providers)
    if not path.is_file():
        raise BadModel(f"There is no model file {path}.", "Check the path, or see `sewu models list`.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ONLY_ERRORS
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), sess_options=options, providers=chosen)
    except RUNTIME_ERRORS as error:
        raise BadModel(
            f"{path} cannot be loaded: {_first_line(error)}.", "Check that it is a whole ONNX file: `sewu models verify` compares its hash."
        ) from error


def run_failed(name: str, error: Exception) -> BadModel:
    """The error for a pass that ONNX Runtime refused."""
    return BadModel(f"The model {name} does not run: {_first_line(error)}.", "Correct the input in its card, or export the model again.")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300].rstrip(".") if str(error).strip() else type(error).__name__
