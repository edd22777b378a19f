"""What a source, transform, anonymizer, model, metric, baseline or constraint is: a small abstract class in a file."""
