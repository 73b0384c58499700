"""The only place that constructs things: stages below know their nouns, not each other."""
