"""Frame -> Detections: ONNX models and motion, batched across cameras."""
