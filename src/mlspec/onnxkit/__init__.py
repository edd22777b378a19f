"""Models as ONNX graphs: what builds one, and what reads one from elsewhere."""
