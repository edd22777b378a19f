"""What a source, transform, anonymizer, model, metric, baseline and constraint are: an abstract class in a file each."""
