"""The hand-written function as an MLflow model: python save_mlflow.py FOLDER TARGET."""

import sys
from pathlib import Path
from typing import Any

import mlflow
from by_hand import answering


class Adult(mlflow.pyfunc.PythonModel):
    """The model."""

    def load_context(self, context: Any) -> None:
        """Read it."""
        self.answer = answering(Path(context.artifacts["folder"]))

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """The answers of a frame's rows."""
        return [self.answer(row) for row in model_input.to_dict("records")]


here = Path(__file__).parent / "by_hand.py"
mlflow.pyfunc.save_model(
    sys.argv[2], python_model=Adult(), artifacts={"folder": sys.argv[1]}, code_paths=[str(here)], pip_requirements=[]
)
