"""What of asn1crypto Lambent uses, which has no types of its own: values are of whatever type the specification names."""
