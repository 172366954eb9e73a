"""How sure an answer is: signals and the estimators that make a score of them."""
