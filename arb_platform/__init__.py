"""Prediction-market order books and pairs."""
