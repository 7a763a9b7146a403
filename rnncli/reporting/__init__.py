"""What a person sees of training and scores; computes none."""
