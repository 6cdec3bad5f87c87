"""How models come about: federated training, distillation, evaluation."""
