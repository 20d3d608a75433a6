"""The checks of the verdict, and the baselines that a model is judged against."""
