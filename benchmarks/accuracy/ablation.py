"""What each part of the recipes is worth: train them with one thing changed at a time.

`python -m benchmarks.accuracy.ablation conll2003 rt-polarity` trains every variant; `--write` makes
docs/ablation.md of the results that there are. Variants are compared on the development data, so
that the test data stays unseen by whoever chooses among them.
"""
