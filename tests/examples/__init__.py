"""The examples of the README; tests/api/test_examples.py runs them."""
