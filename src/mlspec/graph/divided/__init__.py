"""The work of a step as a step for each part of its rows, and the step itself as the one that puts their results
together."""
