"""What goes on inside a trained pipeline: explanations, gates and gradients."""
